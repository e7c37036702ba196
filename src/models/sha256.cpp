#include "models/sha256.h"

#include "base/strings.h"
#include "models/import/file_reader.h"

#include <openssl/evp.h>

#include <algorithm>

namespace morgan::models {

namespace {

constexpr std::uint64_t kPiece = 1 << 20;
constexpr std::size_t kDigestSize = 32;

}  // namespace

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr);
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<unsigned char, kDigestSize> digest{};
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr);
  return to_hex(digest);
}

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
