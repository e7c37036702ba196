// A real PostgreSQL for tests: Debian's, on a free port, in a folder that goes with it.
#pragma once

#include "base/subprocess.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace morgan::test_support {

/// A port of the loopback address that nobody listens on now.
inline int free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = ::bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(probe);
  return bound ? ntohs(address.sin_port) : 0;
}

/// @thread one
class PostgresTestServer {
 public:
  /// nullptr when PostgreSQL is not installed.
  static std::unique_ptr<PostgresTestServer> make() {
    std::unique_ptr<PostgresTestServer> server(new PostgresTestServer());
    if (!server->find_programs() || !server->make_folder()) return nullptr;
    if (!server->as_postgres({server->program("initdb"), "-D", server->data(), "-U", "morgan", "-A", "trust", "-N",
                              "-E", "UTF8", "--locale=C"})) {
      return nullptr;
    }
    return server->start() ? std::move(server) : nullptr;
  }
  /// One for the whole test program.
  static PostgresTestServer* shared() {
    static const std::unique_ptr<PostgresTestServer> kServer = make();
    return kServer.get();
  }
  ~PostgresTestServer() {
    if (running_) stop("immediate");
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  PostgresTestServer(const PostgresTestServer&) = delete;
  PostgresTestServer& operator=(const PostgresTestServer&) = delete;

  /// Returns when it answers.
  bool start() {
    const std::string options =
        "-p " + std::to_string(port_) + " -k '' -c listen_addresses=127.0.0.1 -c max_connections=60";
    running_ = as_postgres(
        {program("pg_ctl"), "start", "-w", "-s", "-D", data(), "-l", (folder_ / "log").string(), "-o", options});
    return running_;
  }
  /// @param mode  "fast": connections are cut; "immediate": as a crash
  void stop(const std::string& mode = "fast") {
    as_postgres({program("pg_ctl"), "stop", "-w", "-s", "-D", data(), "-m", mode});
    running_ = false;
  }
  /// Every process of it stands still: connections stay, nothing is answered. Until thaw().
  void freeze() const { signal_all(SIGSTOP); }
  void thaw() const { signal_all(SIGCONT); }
  /// A new database. @return its url
  std::string make_database() {
    const std::string name = "test" + std::to_string(++databases_);
    as_postgres({program("createdb"), "-h", "127.0.0.1", "-p", std::to_string(port_), "-U", "morgan", name});
    return url(name);
  }
  std::string url(const std::string& database) const {
    return "postgresql://morgan@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }
  /// Runs SQL from outside, as another program would. @return what psql printed
  std::string run_sql(const std::string& url, const std::string& sql) {
    const auto ran = run_process({program("psql"), "-X", "-q", "-A", "-t", "-d", url, "-c", sql}, "/", {});
    return ran ? ran->output : "";
  }

 private:
  PostgresTestServer() : port_(free_port()) {}
  std::string program(const std::string& name) const { return (programs_ / name).string(); }
  std::string data() const { return (folder_ / "data").string(); }

  bool find_programs() {
    std::error_code missing;
    for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", missing)) {
      if (std::filesystem::exists(version.path() / "bin/initdb")) programs_ = version.path() / "bin";
    }
    return !programs_.empty();
  }
  bool make_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "morgan-postgres-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return false;
    folder_ = pattern;
    if (::getuid() != 0) return true;
    // PostgreSQL does not run as root.
    const passwd* const user = ::getpwnam("postgres");
    return user != nullptr && ::chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0;
  }
  bool as_postgres(std::vector<std::string> command) const {
    if (::getuid() == 0) command.insert(command.begin(), {"runuser", "-u", "postgres", "--"});
    const auto ran = run_process(command, folder_, {});
    return ran && ran->exit_code == 0;
  }

  void signal_all(int signal) const {
    pid_t first = 0;
    std::ifstream(folder_ / "data" / "postmaster.pid") >> first;
    if (first <= 0) return;
    ::kill(first, signal);
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      // "PID (NAME) STATE PARENT ..."
      std::string stat;
      std::getline(std::ifstream(entry.path() / "stat"), stat);
      const std::size_t name_end = stat.rfind(") ");
      if (name_end == std::string::npos) continue;
      if (std::atoi(stat.c_str() + name_end + 4) == first) ::kill(std::atoi(stat.c_str()), signal);
    }
  }

  const int port_;
  std::filesystem::path programs_;
  std::filesystem::path folder_;
  int databases_ = 0;
  bool running_ = false;
};

}  // namespace morgan::test_support
