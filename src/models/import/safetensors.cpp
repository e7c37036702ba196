#include "models/import/safetensors.h"

#include "base/json_util.h"

namespace morgan::models {

namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit

StoredType stored_type(const std::string& name) {
  if (name == "F32") return StoredType::kFloat32;
  if (name == "F16") return StoredType::kFloat16;
  if (name == "BF16") return StoredType::kBfloat16;
  return StoredType::kOther;
}

/// A whole list of whole numbers, or false.
bool read_numbers(const Json& list, std::vector<std::uint64_t>& numbers) {
  if (!list.is_array()) return false;
  for (const Json& number : list) {
    if (!number.is_number_unsigned()) return false;
    numbers.push_back(number.get<std::uint64_t>());
  }
  return true;
}

Result<StoredTensor> read_tensor(const FileReader& file, const std::string& name, const Json& entry,
                                 std::uint64_t data_start) {
  StoredTensor tensor;
  tensor.name = name;
  std::vector<std::uint64_t> range;
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !entry.contains("shape") ||
      !read_numbers(entry["shape"], tensor.shape) || !entry.contains("data_offsets") ||
      !read_numbers(entry["data_offsets"], range) || range.size() != 2) {
    return file.corrupt(name + " is badly described");
  }
  tensor.type = stored_type(entry["dtype"].get<std::string>());
  const std::uint64_t data_size = file.size() - data_start;
  if (range[0] > range[1] || range[1] > data_size) return file.corrupt(name + " lies outside the file");
  tensor.offset = data_start + range[0];
  tensor.bytes = range[1] - range[0];
  std::uint64_t count = 1;
  for (const std::uint64_t side : tensor.shape) {
    if (side != 0 && count > file.size() / side) return file.corrupt(name + " is larger than the file");
    count *= side;
  }
  if (tensor.type != StoredType::kOther && tensor.bytes != count * size_of(tensor.type)) {
    return file.corrupt(name + " has " + std::to_string(tensor.bytes) + " bytes for the shape " +
                        shape_text(tensor.shape));
  }
  return tensor;
}

}  // namespace

Result<Safetensors> Safetensors::open(const std::filesystem::path& path) {
  MORGAN_TRY(FileReader file, FileReader::open(path));
  Safetensors container(std::move(file));
  MORGAN_CHECK_OK(container.read_header());
  return container;
}

Result<void> Safetensors::read_header() {
  FieldReader fields(file_);
  MORGAN_TRY(const std::uint64_t length, fields.number<std::uint64_t>());
  if (length > kMaxHeader) return file_.corrupt("claims a header of " + std::to_string(length) + " bytes");
  MORGAN_TRY(const std::string text, fields.text(length));
  Result<Json> header = parse_json_object(text);
  if (!header) return file_.corrupt("its header is not JSON: " + header.error().message);
  for (const auto& [name, entry] : header->items()) {
    if (name == "__metadata__") continue;
    MORGAN_TRY(StoredTensor tensor, read_tensor(file_, name, entry, fields.position()));
    tensors_.emplace(name, std::move(tensor));
  }
  return {};
}

const StoredTensor* Safetensors::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

}  // namespace morgan::models
