#include "engines/onnx/graph_cache.h"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace morgan::engines::onnx {

namespace fs = std::filesystem;

namespace {

/// The model's part of the name: "kokoro-kokoro-82m-int8."
std::string stem_of(const fs::path& model) {
  return model.parent_path().filename().string() + "-" + model.stem().string() + ".";
}

/// "" for the whole, else a part of the file's name, so that the parts of a model lie beside each other.
std::string name_of(const GraphPart& part) {
  if (part.inputs.empty() && part.outputs.empty()) return {};
  std::string values;
  for (const std::string& name : part.inputs)
    values += " <" + name;
  for (const std::string& name : part.outputs)
    values += " >" + name;
  return fmt::format("{:08x}.", std::hash<std::string>{}(values) & 0xFFFFFFFFU);
}

/// What the optimizer looks at: its layouts depend on the vector units.
std::string processor_features() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("flags") || line.starts_with("Features")) return line;
  }
  return {};
}

}  // namespace

fs::path graph_path(const fs::path& folder, const fs::path& model, std::string_view runtime_version,
                    const GraphPart& part) {
  std::error_code status;
  const auto size = fs::file_size(model, status);
  const auto changed = fs::last_write_time(model, status).time_since_epoch().count();
  static const std::string features = processor_features();
  const std::size_t key =
      std::hash<std::string>{}(fmt::format("{} {} {} {}", size, changed, runtime_version, features));
  return folder / fmt::format("{}{}{:016x}.onnx", stem_of(model), name_of(part), key);
}

void keep_graph(const fs::path& written, const fs::path& place) {
  std::error_code status;
  if (!fs::is_regular_file(written, status)) return;
  const std::string name = place.filename().string();
  const std::string stem = name.substr(0, name.size() - std::string("0123456789abcdef.onnx").size());
  std::vector<fs::path> old;
  for (const fs::directory_entry& entry : fs::directory_iterator(place.parent_path(), status)) {
    const std::string other = entry.path().filename().string();
    if (other.starts_with(stem) && other.size() == name.size() && other != name) old.push_back(entry.path());
  }
  fs::rename(written, place, status);
  for (const fs::path& path : old)
    fs::remove(path, status);
}

}  // namespace morgan::engines::onnx
