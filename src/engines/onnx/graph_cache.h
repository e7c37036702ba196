// Optimized graphs kept on disk. ONNX Runtime rewrites a model for the processor each time it is loaded,
// which takes longer than all the rest of loading it; the rewritten graph is saved once and loaded as it
// is from then on. Private to onnx/.
#pragma once

#include "engines/onnx/ort_session.h"

#include <filesystem>
#include <string_view>

namespace morgan::engines::onnx {

/// Where the optimized graph of `model` is or will be: its name holds the model's size and time of change,
/// the runtime's version, the processor's features and which part of the model it is, so that a change of any of them
/// finds nothing old.
std::filesystem::path graph_path(const std::filesystem::path& folder, const std::filesystem::path& model,
                                 std::string_view runtime_version, const GraphPart& part);

/// Puts a graph that was written to `written` in its place and removes what older ones of this part of the model there
/// are. A failure leaves no cache and is no error: the model itself is still there.
void keep_graph(const std::filesystem::path& written, const std::filesystem::path& place);

}  // namespace morgan::engines::onnx
