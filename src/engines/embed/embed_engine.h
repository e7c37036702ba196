// Text to vectors of unit length.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "engines/engine_info.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace morgan::engines {

struct Embeddings {
  std::vector<std::vector<float>> vectors;  ///< one per text, each `dimension()` long, L2 norm 1
  int prompt_tokens = 0;
  std::optional<std::size_t> first_cut = {};  ///< which text was the first that was too long for the model
  int context_tokens = 0;                     ///< what the model reads of a text; 0: not known (remote)
};

class EmbedEngine {
 public:
  virtual ~EmbedEngine() = default;
  /// Texts longer than the model's context are cut, and the first is named. @thread any, concurrently
  virtual Result<Embeddings> embed(std::span<const std::string> texts, const StopToken& stop) = 0;
  virtual int dimension() const = 0;
  virtual EngineInfo info() const = 0;
};

}  // namespace morgan::engines
