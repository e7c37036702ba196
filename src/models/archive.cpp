#include "models/archive.h"

#include "models/part_file.h"

#include <archive.h>
#include <archive_entry.h>

namespace morgan::models {

namespace {

constexpr std::size_t kBlock = 1 << 18;

struct FreeReader {
  void operator()(struct archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<struct archive, FreeReader>;

Failure damaged(const std::filesystem::path& path, struct archive* reader) {
  const char* why = archive_error_string(reader);
  return fail(ErrorCode::kCorrupt, path.filename().string() + " is damaged: " + (why != nullptr ? why : "unknown"));
}

Result<void> copy_entry(const std::filesystem::path& path, struct archive* reader, const std::filesystem::path& target,
                        const StopToken& stop) {
  MORGAN_TRY(PartFile out, PartFile::create(target));
  std::string block(kBlock, '\0');
  for (;;) {
    if (stop.stop_requested()) return fail(stop.error());
    const la_ssize_t count = archive_read_data(reader, block.data(), block.size());
    if (count < 0) return damaged(path, reader);
    if (count == 0) return out.commit();
    MORGAN_CHECK_OK(out.write(std::string_view(block).substr(0, static_cast<std::size_t>(count))));
  }
}

}  // namespace

Result<void> extract_members(const std::filesystem::path& archive,
                             const std::map<std::string, std::filesystem::path>& members, const StopToken& stop) {
  const Reader reader(archive_read_new());
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_gzip(reader.get());
  if (archive_read_open_filename(reader.get(), archive.c_str(), kBlock) != ARCHIVE_OK) {
    return damaged(archive, reader.get());
  }
  auto missing = members;
  while (!missing.empty()) {
    if (stop.stop_requested()) return fail(stop.error());
    struct archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) {
      return fail(ErrorCode::kCorrupt, archive.filename().string() + " holds no " + missing.begin()->first);
    }
    if (status < ARCHIVE_WARN) return damaged(archive, reader.get());
    const char* name = archive_entry_pathname(entry);
    const auto wanted = name != nullptr ? missing.find(name) : missing.end();
    if (wanted == missing.end() || archive_entry_filetype(entry) != AE_IFREG) continue;
    MORGAN_CHECK_OK(copy_entry(archive, reader.get(), wanted->second, stop));
    missing.erase(wanted);
  }
  return {};
}

}  // namespace morgan::models
