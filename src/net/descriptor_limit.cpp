#include "net/descriptor_limit.h"

#include "base/log.h"

#include <sys/resource.h>

#include <algorithm>
#include <mutex>
#include <string>

namespace morgan::net {

namespace {

constexpr std::size_t kOwnNeed = 256;  // files, pipes, clients: what the process opens beside its servers

struct Claims {
  std::mutex mutex;  // guards the rest, and the change of the limit
  std::size_t total = 0;
};

Claims& claims() {
  static Claims all;
  return all;
}

void raise_limit(std::size_t needed) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min<rlim_t>(needed, limit.rlim_max);
  const bool raised = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
  if (raised && limit.rlim_cur >= needed) return;
  log::warn("net", "fewer connections may be open than the servers allow; raise the limit (ulimit -n)",
            {{"descriptors", std::to_string(limit.rlim_cur)}, {"needed", std::to_string(needed)}});
}

}  // namespace

DescriptorShare::DescriptorShare(std::size_t count) : count_(count) {
  Claims& all = claims();
  const std::lock_guard lock(all.mutex);
  all.total += count_;
  raise_limit(all.total + kOwnNeed);
}

DescriptorShare::~DescriptorShare() {
  Claims& all = claims();
  const std::lock_guard lock(all.mutex);
  all.total -= count_;
}

}  // namespace morgan::net
