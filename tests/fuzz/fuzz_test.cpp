// Every fuzz target over its own seeds and a thousand changed ones, always the same: proves that the targets build and
// hold, without clang. Looking for what is new is scripts/fuzz.sh's part.
#include "fuzz_target.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace morgan::fuzz {

namespace {

constexpr int kChanged = 1'000;

// What libFuzzer does most: changes bytes, takes some out, doubles some, puts in numbers that are at an edge.
std::string changed(std::string input, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const std::size_t changes = 1 + below(4);
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = below(input.size() + 1);
    const std::size_t count = std::min(below(9), input.size() - at);
    switch (below(5)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random());
        break;
      case 1:
        input.erase(at, count);
        break;
      case 2:
        input.insert(at, input.substr(at, count));
        break;
      case 3:
        input.insert(at, 1, "\0\xFF\x7F\x80\r\n\"%"[below(8)]);
        break;
      default:
        input.resize(at);
        break;
    }
  }
  return input;
}

class FuzzTargets : public testing::TestWithParam<Target> {};

TEST_P(FuzzTargets, HoldOverSeedsAndChangedSeeds) {
  const Target& target = GetParam();
  const std::vector<std::string> seeds = target.seeds();
  ASSERT_FALSE(seeds.empty());
  run_shown(target, {});
  for (const std::string& seed : seeds)
    run_shown(target, seed);
  std::mt19937 random(1);
  for (int i = 0; i < kChanged; ++i) {
    const std::string input = changed(seeds[random() % seeds.size()], random);
    run_shown(target, input);
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzTargets, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace

}  // namespace morgan::fuzz
