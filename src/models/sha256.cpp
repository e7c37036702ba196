#include "models/sha256.h"

#include "models/import/file_reader.h"

#include <algorithm>

namespace morgan::models {

namespace {

constexpr std::uint64_t kPiece = 1 << 20;

}  // namespace

Result<std::string> sha256_of_file(const std::filesystem::path& path, const StopToken& stop,
                                   const ByteProgress& progress) {
  MORGAN_TRY(const FileReader file, FileReader::open(path));
  Sha256 hash;
  std::string piece(kPiece, '\0');
  for (std::uint64_t offset = 0; offset < file.size(); offset += piece.size()) {
    if (stop.stop_requested()) return fail(stop.error());
    piece.resize(static_cast<std::size_t>(std::min(kPiece, file.size() - offset)));
    MORGAN_CHECK_OK(file.read_at(offset, std::as_writable_bytes(std::span(piece.data(), piece.size()))));
    hash.update(piece);
    if (progress) progress(offset + piece.size());
  }
  return hash.finish();
}

}  // namespace morgan::models
