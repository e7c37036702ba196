// Fetching models: sources in order, parts joined, sha256 checked, put in place by rename. Interrupted
// pulls resume; two processes share the work by a lock per model.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "models/model_store.h"

#include <cstdint>
#include <functional>
#include <string>

namespace morgan::models {

struct PullProgress {
  std::string model;
  std::string step;         ///< "downloading", "joining", "converting", "verifying", "waiting for another pull"
  std::uint64_t done = 0;   ///< bytes, of this step
  std::uint64_t total = 0;  ///< 0: not known
};

struct PullOptions {
  std::function<void(const PullProgress&)> on_progress;
  /// Hub mirror, e.g. $HF_ENDPOINT; "" is the official one.
  std::string hub_endpoint;
  bool force = false;  ///< fetch again even if complete
};

/// Makes `model` complete. Does nothing when it is.
/// @error kUnavailable  no source could be reached (lists each with its reason); disk full (says how much is needed)
/// @error kCorrupt  every source gave something with another hash   @error kCancelled
Result<void> pull(const ModelStore& store, const CatalogModel& model, const PullOptions& options,
                  const StopToken& stop);

}  // namespace morgan::models
