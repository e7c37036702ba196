// How much decoded audio one process holds. Three hours are 690 MB as samples, but an hour of silence comes as a
// FLAC of 700 kB: what may be sent does not bound what it becomes, so what decoders make is counted for all together.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <mutex>

namespace morgan::audio {

/// Two of the longest recordings that are taken (3 h at 16 kHz each; 1.4 GB): one may be transcribed while the next is
/// decoded. Ordinary questions of some seconds never come near it.
inline constexpr std::size_t kBudgetSamples = std::size_t{2} * 3 * 3600 * 16'000;

/// @thread any
class SampleBudget {
 public:
  explicit SampleBudget(std::size_t limit) : limit_(limit) {}
  /// The process's.
  static SampleBudget& shared();

  std::size_t held() const;

 private:
  friend class SampleLease;
  /// One that is alone may have more than the limit: its own length is limited, and nobody else could free anything.
  bool exchange(std::size_t old_samples, std::size_t new_samples);

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::size_t held_ = 0;  // guarded by mutex_
};

/// A holder's part of the budget, for as long as it holds the samples. @thread one at a time
class SampleLease {
 public:
  explicit SampleLease(SampleBudget& budget = SampleBudget::shared()) : budget_(&budget) {}
  ~SampleLease() { shrink_to(0); }
  SampleLease(SampleLease&& other) noexcept;
  SampleLease& operator=(SampleLease&& other) noexcept;

  /// @error kOverloaded  others hold too much; what is held already stays
  Result<void> grow_to(std::size_t samples);
  void shrink_to(std::size_t samples);
  std::size_t samples() const { return samples_; }

 private:
  SampleBudget* budget_;  // outlives every lease
  std::size_t samples_ = 0;
};

}  // namespace morgan::audio
