#include "models/import/ct2_file.h"

#include <string_view>

namespace morgan::models {

namespace {

constexpr std::uint32_t kOldestVersion = 4;  // before, a variable had no type number
constexpr std::uint32_t kNewestVersion = 6;
constexpr std::uint8_t kMaxRank = 4;
constexpr std::uint32_t kMaxVariables = 100'000;

/// CTranslate2's type numbers. @source CTranslate2, include/ctranslate2/types.h
enum class Ct2Type : std::uint8_t { kFloat32 = 0, kInt8, kInt16, kInt32, kFloat16, kBfloat16 };

std::size_t width_of(Ct2Type type) {
  switch (type) {
    case Ct2Type::kFloat32:
    case Ct2Type::kInt32:
      return 4;
    case Ct2Type::kInt16:
    case Ct2Type::kFloat16:
    case Ct2Type::kBfloat16:
      return 2;
    case Ct2Type::kInt8:
      return 1;
  }
  return 0;
}

StoredType stored_type(Ct2Type type) {
  switch (type) {
    case Ct2Type::kFloat32:
      return StoredType::kFloat32;
    case Ct2Type::kFloat16:
      return StoredType::kFloat16;
    case Ct2Type::kBfloat16:
      return StoredType::kBfloat16;
    default:
      return StoredType::kOther;
  }
}

/// A text with its length in front; the length counts a closing zero byte.
Result<std::string> read_text(FieldReader& fields) {
  MORGAN_TRY(const std::uint16_t length, fields.number<std::uint16_t>());
  MORGAN_TRY(std::string text, fields.text(length));
  if (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

Result<StoredTensor> read_variable(const FileReader& file, FieldReader& fields) {
  StoredTensor tensor;
  MORGAN_TRY(tensor.name, read_text(fields));
  MORGAN_TRY(const std::uint8_t rank, fields.number<std::uint8_t>());
  if (rank > kMaxRank) return file.corrupt(tensor.name + " has " + std::to_string(rank) + " dimensions");
  std::uint64_t count = 1;
  for (std::uint8_t i = 0; i < rank; ++i) {
    MORGAN_TRY(const std::uint32_t side, fields.number<std::uint32_t>());
    tensor.shape.push_back(side);
    count *= side;
    if (count > file.size()) return file.corrupt(tensor.name + " is larger than the file");
  }
  MORGAN_TRY(const std::uint8_t number, fields.number<std::uint8_t>());
  if (number > static_cast<std::uint8_t>(Ct2Type::kBfloat16)) {
    return file.corrupt(tensor.name + " has the unknown type " + std::to_string(number));
  }
  const auto type = static_cast<Ct2Type>(number);
  MORGAN_TRY(const std::uint32_t bytes, fields.number<std::uint32_t>());
  if (bytes != count * width_of(type)) {
    return file.corrupt(tensor.name + " has " + std::to_string(bytes) + " bytes for the shape " +
                        shape_text(tensor.shape));
  }
  if (rank >= 2 && stored_type(type) == StoredType::kOther) {
    return fail(ErrorCode::kUnsupported, file.path().string() +
                                             " holds integer weights (int8 or int16); only models in float16, "
                                             "bfloat16 or float32 can be imported");
  }
  tensor.type = stored_type(type);
  tensor.offset = fields.position();
  tensor.bytes = bytes;
  MORGAN_CHECK_OK(fields.skip(bytes));
  return tensor;
}

}  // namespace

Result<Ct2File> Ct2File::open(const std::filesystem::path& path) {
  MORGAN_TRY(FileReader file, FileReader::open(path));
  Ct2File model(std::move(file));
  MORGAN_CHECK_OK(model.read_variables());
  return model;
}

Result<void> Ct2File::read_variables() {
  FieldReader fields(file_);
  MORGAN_TRY(const std::uint32_t version, fields.number<std::uint32_t>());
  if (version < kOldestVersion || version > kNewestVersion) {
    return fail(ErrorCode::kUnsupported, file_.path().string() +
                                             " is not a CTranslate2 model of version 4 to 6 (it starts with " +
                                             std::to_string(version) + ")");
  }
  MORGAN_TRY(spec_, read_text(fields));
  MORGAN_CHECK_OK(fields.skip(sizeof(std::uint32_t)));  // revision of the specification
  MORGAN_TRY(const std::uint32_t variables, fields.number<std::uint32_t>());
  if (variables > kMaxVariables) return file_.corrupt("claims " + std::to_string(variables) + " variables");
  for (std::uint32_t i = 0; i < variables; ++i) {
    MORGAN_TRY(StoredTensor tensor, read_variable(file_, fields));
    tensors_[tensor.name] = std::move(tensor);
  }
  MORGAN_TRY(const std::uint32_t aliases, fields.number<std::uint32_t>());
  if (aliases > kMaxVariables) return file_.corrupt("claims " + std::to_string(aliases) + " aliases");
  for (std::uint32_t i = 0; i < aliases; ++i) {
    MORGAN_TRY(const std::string alias, read_text(fields));
    MORGAN_TRY(const std::string target, read_text(fields));
    const auto found = tensors_.find(target);
    if (found == tensors_.end()) return file_.corrupt(alias + " stands for " + target + ", which is missing");
    tensors_.emplace(alias, found->second);
  }
  return {};
}

Result<const StoredTensor*> Ct2File::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return file_.corrupt(name + " is missing");
  return &found->second;
}

Result<std::optional<long long>> Ct2File::integer(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end() || found->second.type != StoredType::kOther || found->second.count() != 1) {
    return std::optional<long long>{};
  }
  const StoredTensor& tensor = found->second;
  std::uint32_t raw = 0;  // little-endian: shorter numbers fill the low bytes
  MORGAN_CHECK_OK(file_.read_at(tensor.offset, std::as_writable_bytes(std::span(&raw, 1)).first(tensor.bytes)));
  const unsigned unused = 32U - 8U * static_cast<unsigned>(tensor.bytes);
  return std::optional<long long>(static_cast<std::int32_t>(raw << unused) >> unused);
}

}  // namespace morgan::models
