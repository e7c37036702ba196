#include "stores/vector_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace morgan::stores {

namespace {

constexpr std::size_t kDimension = 384;

std::vector<float> random_unit(std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kDimension);
  float sum = 0;
  for (float& number : vector) {
    number = normal(random);
    sum += number * number;
  }
  for (float& number : vector)
    number /= std::sqrt(sum);
  return vector;
}

float cosine(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum;
}

TEST(VectorIndex, FindsTheNearestInOrderWithTheirCosine) {
  std::mt19937 random(7);
  VectorIndex index(kDimension);
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 500; ++i) {
    vectors.push_back(random_unit(random));
    index.set(i + 1, vectors.back());
  }
  const std::vector<float> query = random_unit(random);
  std::vector<float> exact;
  for (const auto& vector : vectors)
    exact.push_back(cosine(query, vector));
  const auto best = index.nearest(query, 10);
  ASSERT_EQ(best.size(), 10U);
  for (std::size_t i = 0; i < best.size(); ++i) {
    EXPECT_NEAR(best[i].score, exact[static_cast<std::size_t>(best[i].key - 1)], 0.005F);
    if (i > 0) {
      EXPECT_LE(best[i].score, best[i - 1].score);
    }
  }
  EXPECT_NEAR(best[0].score, *std::max_element(exact.begin(), exact.end()), 0.005F);
}

TEST(VectorIndex, AVectorIsNearestToItselfWhateverItsLength) {
  std::mt19937 random(8);
  VectorIndex index(kDimension);
  std::vector<float> vector = random_unit(random);
  index.set(1, vector);
  for (float& number : vector)
    number *= 100;
  index.set(2, vector);
  for (const ScoredKey& found : index.nearest(vector, 2))
    EXPECT_NEAR(found.score, 1, 0.005F);
}

TEST(VectorIndex, ReplacesAndRemoves) {
  std::mt19937 random(9);
  VectorIndex index(kDimension);
  const auto first = random_unit(random);
  const auto second = random_unit(random);
  index.set(1, first);
  index.set(2, second);
  index.set(3, first);
  index.set(3, second);
  EXPECT_EQ(index.size(), 3U);
  index.remove(1);
  index.remove(1);
  EXPECT_EQ(index.size(), 2U);
  for (const ScoredKey& found : index.nearest(second, 5)) {
    EXPECT_NE(found.key, 1);
    EXPECT_NEAR(found.score, 1, 0.005F);
  }
  index.remove(3);
  index.remove(2);
  EXPECT_TRUE(index.nearest(second, 5).empty());
}

TEST(VectorIndex, AVectorOfZerosIsNearToNothing) {
  VectorIndex index(3);
  index.set(1, std::vector<float>{0, 0, 0});
  index.set(2, std::vector<float>{1, 0, 0});
  EXPECT_TRUE(index.nearest(std::vector<float>{0, 0, 0}, 5).empty());
  const auto best = index.nearest(std::vector<float>{1, 0, 0}, 5);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].key, 2);
  EXPECT_EQ(best[1].score, 0);
  EXPECT_TRUE(index.nearest(std::vector<float>{1, 0, 0}, 0).empty());
}

}  // namespace

}  // namespace morgan::stores
