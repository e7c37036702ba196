// Whether the servers that stand in for local engines can be reached, asked in the background so that
// /health answers at once.
#pragma once

#include "base/stop.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace morgan::app {

struct Upstream {
  std::string role;      ///< "llm"
  std::string base_url;  ///< with /v1
  std::string api_key;
  std::string ca_file;  ///< as net::ClientRequest's
};

/// @thread state() from any
class UpstreamWatch {
 public:
  /// Asks each at once, then every few seconds, until it is destroyed. Nothing runs when there are none.
  explicit UpstreamWatch(std::vector<Upstream> upstreams);
  ~UpstreamWatch();
  UpstreamWatch(const UpstreamWatch&) = delete;
  UpstreamWatch& operator=(const UpstreamWatch&) = delete;

  /// What keeps the role's server from answering; "" when it answers, or was not asked yet.
  std::string trouble(const std::string& role) const;

 private:
  void watch();
  std::string ask(const Upstream& upstream) const;

  const std::vector<Upstream> upstreams_;
  StopSource stop_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;                        // guarded by mutex_
  std::map<std::string, std::string> trouble_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace morgan::app
