// Memories for tests of the stores that keep them.
#pragma once

#include "stores/memory_store.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace morgan::stores {

inline MemoryVector vector_of(float x, float y, float z, std::string model = "test") {
  return {std::move(model), {x, y, z}};
}

inline StoredMemory fact(std::string content, std::string user = "ada") {
  StoredMemory memory;
  memory.user_id = std::move(user);
  memory.content = std::move(content);
  return memory;
}

inline std::vector<std::string> contents(const std::vector<FoundMemory>& found) {
  std::vector<std::string> texts;
  for (const FoundMemory& each : found)
    texts.push_back(each.memory.content);
  return texts;
}

using Texts = std::vector<std::string>;

}  // namespace morgan::stores
