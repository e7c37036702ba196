#include "engines/onnx/graph_fusion.h"

#include "base/file.h"
#include "engines/onnx/model_fields.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>

namespace morgan::engines::onnx {
namespace {

std::string node(const std::string& type, std::initializer_list<std::string> inputs, const std::string& output,
                 const std::string& attributes = "") {
  std::string content;
  for (const std::string& input : inputs)
    content += field_of(1, input);
  return field_of(1, content + field_of(2, output) + field_of(3, "n " + output) + field_of(4, type) + attributes);
}

std::string numbers(const std::string& name, std::initializer_list<char> values) {
  std::string list = field_of(1, name);
  for (const char value : values)
    list += std::string("\x40", 1) + value;
  return field_of(5, list);
}

std::string weight(const std::string& name, std::string_view raw) {
  return field_of(5, field_of(8, name) + field_of(9, raw));
}

std::string output(const std::string& name) {
  return field_of(12, field_of(1, name));
}

std::string model(const std::string& graph) {
  return field_of(7, graph);
}

const std::string kTwo = weight("two", std::string_view("\0\0\0\x40", 4));

std::string convolution(char stride) {
  return node("ConvInteger", {"x", "w", "x zero", "w zero"}, "sums",
              numbers("strides", {stride}) + numbers("pads", {1, 1}) + numbers("dilations", {1}));
}

std::string behind_it() {
  return node("Add", {"sums", "bias"}, "biased") + node("Cast", {"biased"}, "floats") +
         node("Mul", {"floats", "scale"}, "y");
}

std::string snake() {
  return node("Mul", {"a", "x"}, "ax") + node("Sin", {"ax"}, "sin") + node("Pow", {"sin", "two"}, "sin2") +
         node("Mul", {"r", "sin2"}, "r sin2") + node("Add", {"x", "r sin2"}, "y");
}

TEST(GraphFusion, AConvolutionAndWhatBelongsToItAreOneNode) {
  const auto fused = with_own_operators(model(convolution(1) + behind_it() + output("y")));
  ASSERT_TRUE(fused);
  EXPECT_NE(fused->find("QuantizedConv"), std::string::npos);
  for (const char* gone : {"ConvInteger", "Add", "Cast", "Mul", "biased", "floats"})
    EXPECT_EQ(fused->find(gone), std::string::npos) << gone;
  for (const char* kept : {"bias", "scale", "w zero", "pads", "dilations", "morgan"})
    EXPECT_NE(fused->find(kept), std::string::npos) << kept;
}

TEST(GraphFusion, ASnakeIsOneNode) {
  const auto fused = with_own_operators(model(snake() + kTwo + output("y")));
  ASSERT_TRUE(fused);
  EXPECT_NE(fused->find("Snake"), std::string::npos);
  for (const char* gone : {"Sin", "Pow", "Mul", "Add", "r sin2"})
    EXPECT_EQ(fused->find(gone), std::string::npos) << gone;
}

TEST(GraphFusion, WhatElseIsUsedOrIsSomethingElseStays) {
  EXPECT_FALSE(with_own_operators(model(convolution(2) + behind_it() + output("y")))) << "strides";
  EXPECT_FALSE(with_own_operators(model(convolution(1) + behind_it() + output("y") + output("floats"))));
  EXPECT_FALSE(with_own_operators(model(convolution(1) + behind_it() + node("Neg", {"biased"}, "z") + output("y"))));
  EXPECT_FALSE(with_own_operators(model(convolution(1) + output("sums"))));
  EXPECT_FALSE(with_own_operators(model(snake() + kTwo + output("y") + output("sin"))));
  const std::string three = weight("two", std::string_view("\0\0\x40\x40", 4));
  EXPECT_FALSE(with_own_operators(model(snake() + three + output("y"))));
  EXPECT_FALSE(with_own_operators(model(snake() + output("y")))) << "the exponent is not known";
}

TEST(GraphFusion, BytesThatAreNoModelAreRefused) {
  const std::string whole = model(convolution(1) + behind_it() + snake() + kTwo + output("y"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(with_own_operators(whole.substr(0, size))) << size;
  EXPECT_FALSE(with_own_operators(std::string(1'000, 'x')));
  const std::string inside = field_of(5, field_of(1, "then_branch") + field_of(6, convolution(1)));
  EXPECT_FALSE(with_own_operators(model(convolution(1) + behind_it() + node("If", {"c"}, "i", inside) + output("y"))));
}

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1))
    ++found;
  return found;
}

TEST(GraphFusion, KokorosSnakesAndAllButThreeOfItsConvolutionsAreFused) {
  const char* home = std::getenv("MORGAN_HOME");
  if (home == nullptr) GTEST_SKIP() << "MORGAN_HOME is not set";
  const auto kokoro =
      read_file(std::filesystem::path(home) / "models/kokoro/kokoro-82m-int8.onnx", std::uint64_t{200} << 20U);
  ASSERT_TRUE(kokoro);
  const auto fused = with_own_operators(*kokoro);
  ASSERT_TRUE(fused);
  EXPECT_EQ(count(*fused, field_of(4, "QuantizedConv")), 84U);
  EXPECT_EQ(count(*fused, field_of(4, "ConvInteger")), 3U);  // with strides
  EXPECT_EQ(count(*fused, field_of(4, "Snake")), 48U);
}

}  // namespace
}  // namespace morgan::engines::onnx
