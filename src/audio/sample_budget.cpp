#include "audio/sample_budget.h"

#include <algorithm>
#include <utility>

namespace morgan::audio {

SampleBudget& SampleBudget::shared() {
  static SampleBudget budget(kBudgetSamples);
  return budget;
}

std::size_t SampleBudget::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

bool SampleBudget::exchange(std::size_t old_samples, std::size_t new_samples) {
  const std::lock_guard lock(mutex_);
  const std::size_t others = held_ - old_samples;
  if (new_samples > old_samples && others > 0 && others + new_samples > limit_) return false;
  held_ = others + new_samples;
  return true;
}

SampleLease::SampleLease(SampleLease&& other) noexcept
    : budget_(other.budget_), samples_(std::exchange(other.samples_, 0)) {}

SampleLease& SampleLease::operator=(SampleLease&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(samples_, other.samples_);
  return *this;
}

Result<void> SampleLease::grow_to(std::size_t samples) {
  if (samples <= samples_) return {};
  if (!budget_->exchange(samples_, samples)) {
    return fail(ErrorCode::kOverloaded, "too many long recordings are being worked on; send this one again later");
  }
  samples_ = samples;
  return {};
}

void SampleLease::shrink_to(std::size_t samples) {
  if (samples >= samples_) return;
  budget_->exchange(samples_, samples);
  samples_ = samples;
}

}  // namespace morgan::audio
