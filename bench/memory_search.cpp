// How long the search among many memories takes: memory_search [COUNT] (default 100000) [DIMENSION] (384).
#include "stores/vector_index.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>

int main(int argc, char** argv) {
  constexpr int kSearches = 500;
  const long long count = argc > 1 ? std::atoll(argv[1]) : 100'000;
  const auto dimension = static_cast<std::size_t>(argc > 2 ? std::atoll(argv[2]) : 384);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimension);
  const auto fill = [&] {
    for (float& number : vector)
      number = normal(random);
  };
  morgan::stores::VectorIndex index(dimension);
  for (long long key = 0; key < count; ++key) {
    fill();
    index.set(key, vector);
  }
  std::vector<double> times;
  for (int i = 0; i < kSearches; ++i) {
    fill();
    const auto begin = std::chrono::steady_clock::now();
    if (index.nearest(vector, 5).empty()) return 1;
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  std::cout << count << " vectors of " << dimension << ": p50 " << times[kSearches / 2] << " ms, p99 "
            << times[kSearches * 99 / 100] << " ms\n";
  return 0;
}
