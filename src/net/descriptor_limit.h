// File descriptors: the system lets a process open 1024 by default, and a server may hold more connections.
#pragma once

#include <cstddef>
#include <utility>

namespace morgan::net {

/// A server's claim to so many descriptors, as long as it lives. The process's soft limit is raised, up to the hard
/// one, when all claims together need it; what is missing then is logged. It is never lowered. @thread any
class DescriptorShare {
 public:
  DescriptorShare() = default;
  explicit DescriptorShare(std::size_t count);
  ~DescriptorShare();
  DescriptorShare(DescriptorShare&& other) noexcept : count_(std::exchange(other.count_, 0)) {}
  DescriptorShare& operator=(DescriptorShare&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }

 private:
  std::size_t count_ = 0;
};

}  // namespace morgan::net
