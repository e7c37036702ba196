#include "mcp/stdio_process.h"

#include "base/log.h"
#include "base/spawn_plan.h"
#include "base/strings.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // glibc 2.36's header forgets it
#include <sys/pidfd.h>
}

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace morgan::mcp {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kWriteLimit{10};
constexpr int kGraceMs = 2000;
constexpr std::size_t kMostLogLine = 2000;
constexpr std::array<const char*, 6> kPassedOn{"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"};

/// A pipe whose ends close by themselves, unless they are taken.
struct Pipe {
  int read = -1;
  int write = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  bool open() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

std::vector<std::string> environment_of(const ProcessStart& start) {
  std::vector<std::string> environment;
  for (const char* name : kPassedOn) {
    const char* value = std::getenv(name);
    if (value != nullptr && !start.env.contains(name)) environment.push_back(std::string(name) + "=" + value);
  }
  for (const auto& [name, value] : start.env)
    environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool ended_within(pid_t pid, int descriptor, int milliseconds) {
  pollfd watched{descriptor, POLLIN, 0};
  if (descriptor >= 0) ::poll(&watched, 1, milliseconds);
  int status = 0;
  return ::waitpid(pid, &status, WNOHANG) != 0;
}

}  // namespace

StdioProcess::StdioProcess(const ProcessStart& start, ProcessEvents events)
    : name_(start.name), most_line_(start.most_line), events_(std::move(events)) {}

Result<std::unique_ptr<StdioProcess>> StdioProcess::start(const ProcessStart& start, ProcessEvents events) {
  std::unique_ptr<StdioProcess> process(new StdioProcess(start, std::move(events)));
  Pipe in;
  Pipe out;
  Pipe log;
  process->wake_ = ::eventfd(0, EFD_CLOEXEC);
  if (process->wake_ < 0 || !in.open() || !out.open() || !log.open()) {
    return fail(ErrorCode::kUnavailable, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  SpawnPlan plan;
  posix_spawn_file_actions_adddup2(&plan.actions, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, out.write, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, log.write, STDERR_FILENO);
  // A group of its own, so that stopping reaches what the program itself started; and signals as a program expects.
  sigset_t defaults;
  sigemptyset(&defaults);
  // The server waits for the last three, so they are blocked in all its threads.
  posix_spawnattr_setsigmask(&plan.attributes, &defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP})
    sigaddset(&defaults, signal);
  posix_spawnattr_setsigdefault(&plan.attributes, &defaults);
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&plan.attributes, 0);
  std::vector<std::string> command = start.command;
  std::vector<std::string> environment = environment_of(start);
  pid_t child = 0;
  const int status = ::posix_spawnp(&child, command[0].c_str(), &plan.actions, &plan.attributes,
                                    pointers_to(command).data(), pointers_to(environment).data());
  if (status != 0) {
    return fail(status == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                "cannot run " + command[0] + ": " + std::strerror(status));
  }
  process->pid_ = child;
  process->input_ = std::exchange(in.write, -1);
  process->output_ = std::exchange(out.read, -1);
  process->log_ = std::exchange(log.read, -1);
  // A program that does not read must not hold up who writes.
  ::fcntl(process->input_, F_SETFL, ::fcntl(process->input_, F_GETFL) | O_NONBLOCK);
  process->reader_ = std::thread([self = process.get()] { self->read_until_end(); });
  return process;
}

StdioProcess::~StdioProcess() {
  if (reader_.joinable()) {
    const std::uint64_t one = 1;
    const ssize_t written = ::write(wake_, &one, sizeof one);
    static_cast<void>(written);  // an eventfd has room for a one
    reader_.join();
  }
  if (pid_ > 0) end_process();
  for (const int descriptor : {input_, output_, log_, wake_}) {
    if (descriptor >= 0) ::close(descriptor);
  }
}

void StdioProcess::end_process() {
  ::close(std::exchange(input_, -1));
  const int descriptor = ::pidfd_open(pid_, 0);
  bool ended = ended_within(pid_, descriptor, kGraceMs);
  if (!ended) {
    ::kill(-pid_, SIGTERM);
    ended = ended_within(pid_, descriptor, kGraceMs);
  }
  // What it started itself may still be there.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (!ended && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  if (descriptor >= 0) ::close(descriptor);
}

Result<void> StdioProcess::write_line(std::string_view line) {
  std::string bytes(line);
  bytes += '\n';
  const std::scoped_lock lock(write_mutex_);
  const auto deadline = Clock::now() + kWriteLimit;
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t count = ::write(input_, bytes.data() + at, bytes.size() - at);
    if (count > 0) {
      at += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno != EAGAIN) {
      return fail(ErrorCode::kUnavailable, "the program of the MCP server '" + name_ + "' has ended");
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      return fail(ErrorCode::kUnavailable, "the program of the MCP server '" + name_ + "' does not read");
    }
    pollfd watched{input_, POLLOUT, 0};
    ::poll(&watched, 1, static_cast<int>(left));
  }
  return {};
}

void StdioProcess::read_until_end() {
  std::string line;
  bool skipping = false;  // until the end of a line that is too long
  std::vector<char> bytes(std::size_t{64} << 10U);
  for (;;) {
    std::array<pollfd, 3> watched{pollfd{wake_, POLLIN, 0}, pollfd{output_, POLLIN, 0}, pollfd{log_, POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[0].revents != 0) return;
    if (watched[2].revents != 0) {
      const ssize_t count = ::read(log_, bytes.data(), bytes.size());
      if (count > 0) take_log({bytes.data(), static_cast<std::size_t>(count)});
      // A negative descriptor is not watched any more.
      if (count == 0) ::close(std::exchange(log_, -1));
    }
    if (watched[1].revents == 0) continue;
    const ssize_t count = ::read(output_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      events_.on_end({ErrorCode::kUnavailable, "the program of the MCP server '" + name_ + "' has ended"});
      return;
    }
    for (const char c : std::string_view(bytes.data(), static_cast<std::size_t>(count))) {
      if (c != '\n') {
        if (!skipping) line += c;
        if (line.size() <= most_line_) continue;
        skipping = true;
        line.clear();
        continue;
      }
      skipping ? events_.on_too_long() : events_.on_line(line);
      skipping = false;
      line.clear();
    }
  }
}

void StdioProcess::take_log(std::string_view bytes) {
  for (const char c : bytes) {
    if (c != '\n') {
      if (log_line_.size() < kMostLogLine) log_line_ += c;
      continue;
    }
    // At debug only: it may say what a user said.
    log::debug("mcp", "a server's program says", {{"server", name_}, {"line", log_line_}});
    log_line_.clear();
  }
}

}  // namespace morgan::mcp
