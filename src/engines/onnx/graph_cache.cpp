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
                    std::span<const std::string> more_outputs) {
  std::error_code status;
  const auto size = fs::file_size(model, status);
  const auto changed = fs::last_write_time(model, status).time_since_epoch().count();
  static const std::string features = processor_features();
  std::string outputs;
  for (const std::string& name : more_outputs)
    outputs += " " + name;
  const std::size_t key =
      std::hash<std::string>{}(fmt::format("{} {} {} {}{}", size, changed, runtime_version, features, outputs));
  return folder / fmt::format("{}{:016x}.onnx", stem_of(model), key);
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
