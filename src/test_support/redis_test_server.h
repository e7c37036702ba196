// A real Redis for tests: Debian's, on a free port, without a file.
#pragma once

#include "test_support/postgres_test_server.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

extern char** environ;

namespace morgan::test_support {

/// @thread one
class RedisTestServer {
 public:
  /// nullptr when Redis is not installed.
  static std::unique_ptr<RedisTestServer> make(std::string password = "") {
    if (!program_exists("redis-server")) return nullptr;
    std::unique_ptr<RedisTestServer> server(new RedisTestServer(std::move(password)));
    return server->start() ? std::move(server) : nullptr;
  }
  ~RedisTestServer() { stop(); }
  RedisTestServer(const RedisTestServer&) = delete;
  RedisTestServer& operator=(const RedisTestServer&) = delete;

  /// Returns when it answers.
  bool start() {
    const std::string port = std::to_string(port_);
    std::vector<std::string> command{"redis-server", "--port", port,        "--bind",   "127.0.0.1", "--save", "",
                                     "--daemonize",  "no",     "--logfile", "/dev/null"};
    if (!password_.empty()) command.insert(command.end(), {"--requirepass", password_});
    std::vector<char*> argv;
    for (std::string& word : command)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    if (::posix_spawnp(&process_, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
      if (run({"PING"}) == "PONG\n") return true;
    }
    return false;
  }
  void stop() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  /// Runs a command from outside. @return what redis-cli printed
  std::string run(std::vector<std::string> words) {
    words.insert(words.begin(), {"redis-cli", "-h", "127.0.0.1", "-p", std::to_string(port_)});
    if (!password_.empty()) words.insert(words.begin() + 1, {"-a", password_, "--no-auth-warning"});
    const auto ran = run_process(words, "/", {});
    return ran ? ran->output : "";
  }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }

 private:
  explicit RedisTestServer(std::string password) : port_(free_port()), password_(std::move(password)) {}
  const int port_;
  const std::string password_;
  pid_t process_ = 0;
};

}  // namespace morgan::test_support
