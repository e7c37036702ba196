#include "base/subprocess.h"

#include "base/spawn_plan.h"
#include "base/strings.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace morgan {

namespace {

constexpr std::size_t kKeptOutput = 64 * 1024;
constexpr int kPollMilliseconds = 100;
constexpr auto kTermGrace = std::chrono::seconds(2);

void keep_tail(std::string& output, const char* bytes, std::size_t count) {
  output.append(bytes, count);
  if (output.size() > 2 * kKeptOutput) output.erase(0, output.size() - kKeptOutput);
}

}  // namespace

Result<ProcessResult> run_process(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                                  const StopToken& stop) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return fail(ErrorCode::kUnavailable, std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  SpawnPlan plan;
  posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&plan.actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&plan.actions, ends[1], STDERR_FILENO);
  posix_spawn_file_actions_addchdir_np(&plan.actions, folder.c_str());
  // A group of its own, so that stopping reaches what the program itself started.
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&plan.attributes, 0);

  std::vector<char*> argv;
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  const int status = ::posix_spawnp(&child, argv[0], &plan.actions, &plan.attributes, argv.data(), environ);
  ::close(ends[1]);
  if (status != 0) {
    ::close(ends[0]);
    return fail(status == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                "cannot run " + arguments[0] + ": " + std::strerror(status));
  }

  ProcessResult result;
  bool stopping = false;
  std::chrono::steady_clock::time_point kill_at{};
  for (;;) {
    pollfd watched{ends[0], POLLIN, 0};
    const int ready = ::poll(&watched, 1, kPollMilliseconds);
    if (ready > 0) {
      char bytes[4096];
      const ssize_t count = ::read(ends[0], bytes, sizeof bytes);
      if (count == 0) break;
      if (count > 0) keep_tail(result.output, bytes, static_cast<std::size_t>(count));
    }
    if (!stopping && stop.stop_requested()) {
      stopping = true;
      kill_at = std::chrono::steady_clock::now() + kTermGrace;
      ::kill(-child, SIGTERM);
    }
    if (stopping && std::chrono::steady_clock::now() >= kill_at) {
      ::kill(-child, SIGKILL);
      break;
    }
  }
  ::close(ends[0]);
  int wait_status = 0;
  while (::waitpid(child, &wait_status, 0) < 0 && errno == EINTR) {
  }
  if (stopping) return fail(stop.error());
  if (result.output.size() > kKeptOutput) result.output.erase(0, result.output.size() - kKeptOutput);
  result.exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
  return result;
}

bool program_exists(std::string_view name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
    if (::access((std::filesystem::path(folder) / name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace morgan
