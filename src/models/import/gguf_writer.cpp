#include "models/import/gguf_writer.h"
#include "models/import/append.h"

#include <cstring>

namespace morgan::models {

namespace {

constexpr std::string_view kGgufMagic = "GGUF";
constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kAlignment = 32;

/// The kinds of a setting. @source ggml, include/gguf.h
constexpr std::uint32_t kUint32 = 4;
constexpr std::uint32_t kInt32 = 5;
constexpr std::uint32_t kFloat32 = 6;
constexpr std::uint32_t kBool = 7;
constexpr std::uint32_t kString = 8;
constexpr std::uint32_t kArray = 9;

void append_text(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint64_t>(text.size()));
  out.append(text);
}

std::uint64_t padding_after(std::uint64_t bytes) {
  return (kAlignment - bytes % kAlignment) % kAlignment;
}

}  // namespace

void GgufWriter::begin(std::string_view key, std::uint32_t kind) {
  append_text(settings_, key);
  append(settings_, kind);
  ++setting_count_;
}

void GgufWriter::set(std::string_view key, std::uint32_t value) {
  begin(key, kUint32);
  append(settings_, value);
}

void GgufWriter::set(std::string_view key, float value) {
  begin(key, kFloat32);
  append(settings_, value);
}

void GgufWriter::set_flag(std::string_view key, bool value) {
  begin(key, kBool);
  append(settings_, static_cast<std::uint8_t>(value ? 1 : 0));
}

void GgufWriter::set_text(std::string_view key, std::string_view value) {
  begin(key, kString);
  append_text(settings_, value);
}

void GgufWriter::set_texts(std::string_view key, std::span<const std::string> values) {
  begin(key, kArray);
  append(settings_, kString);
  append(settings_, static_cast<std::uint64_t>(values.size()));
  for (const std::string& value : values)
    append_text(settings_, value);
}

void GgufWriter::set_numbers(std::string_view key, std::span<const std::int32_t> values) {
  begin(key, kArray);
  append(settings_, kInt32);
  append(settings_, static_cast<std::uint64_t>(values.size()));
  for (const std::int32_t value : values)
    append(settings_, value);
}

void GgufWriter::add(std::string name, const StoredTensor& source, GgmlType type) {
  entries_.push_back({std::move(name), &source, type});
}

Result<void> GgufWriter::write(const FileReader& numbers, PartFile& out,
                               const std::function<void(double)>& progress) const {
  std::string head(kGgufMagic);
  append(head, kVersion);
  append(head, static_cast<std::uint64_t>(entries_.size()));
  append(head, setting_count_);
  head += settings_;
  std::uint64_t offset = 0;
  for (const Entry& entry : entries_) {
    append_text(head, entry.name);
    append(head, static_cast<std::uint32_t>(entry.source->shape.size()));
    for (auto side = entry.source->shape.rbegin(); side != entry.source->shape.rend(); ++side)
      append(head, *side);
    append(head, static_cast<std::uint32_t>(entry.type));
    append(head, offset);
    const std::uint64_t bytes = bytes_of(entry.type, entry.source->count());
    offset += bytes + padding_after(bytes);
  }
  head.append(static_cast<std::size_t>(padding_after(head.size())), '\0');
  MORGAN_CHECK_OK(out.write(head));

  std::uint64_t done = 0;
  for (const Entry& entry : entries_) {
    const std::uint64_t count = entry.source->count();
    MORGAN_CHECK_OK(write_numbers(numbers, *entry.source, 0, count, entry.type, out));
    const std::uint64_t bytes = bytes_of(entry.type, count);
    MORGAN_CHECK_OK(out.write(std::string(static_cast<std::size_t>(padding_after(bytes)), '\0')));
    done += bytes + padding_after(bytes);
    if (progress) progress(static_cast<double>(done) / static_cast<double>(offset));
  }
  return {};
}

}  // namespace morgan::models
