#include "models/import/whisper_vocab.h"

#include "base/file.h"
#include "base/json_util.h"
#include "base/strings.h"

#include <array>
#include <cstdint>

namespace morgan::models {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxFile = 64'000'000;
constexpr std::size_t kMaxTokens = 1'000'000;
constexpr std::string_view kFirstSpecial = "<|endoftext|>";

Failure corrupt(const fs::path& path, const std::string& why) {
  return fail(ErrorCode::kCorrupt, path.string() + ": " + why);
}

/// GPT-2 writes each byte as one printable character: those that are printable in Latin-1 as
/// themselves, the rest as U+0100, U+0101, ... in order of the byte. This is the way back.
std::array<int, 0x180> make_byte_of_character() {
  std::array<int, 0x180> byte_of{};
  byte_of.fill(-1);
  int next = 0x100;
  for (int byte = 0; byte < 0x100; ++byte) {
    const bool printable =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
    byte_of[static_cast<std::size_t>(printable ? byte : next++)] = byte;
  }
  return byte_of;
}

/// False when a character stands for no byte.
bool decode_token(std::string_view token, std::string& bytes) {
  static const std::array<int, 0x180> kByteOf = make_byte_of_character();
  bytes.clear();
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto character = static_cast<std::size_t>(static_cast<unsigned char>(token[i]));
    if (character >= 0x80) {  // all characters in use need at most two bytes of UTF-8
      if ((character & 0xE0U) != 0xC0U || i + 1 >= token.size()) return false;
      character = ((character & 0x1FU) << 6U) | (static_cast<unsigned char>(token[++i]) & 0x3FU);
    }
    if (character >= kByteOf.size() || kByteOf[character] < 0) return false;
    bytes.push_back(static_cast<char>(kByteOf[character]));
  }
  return true;
}

Result<std::vector<std::string>> tokens_of_json_list(const fs::path& path, const std::string& text) {
  Result<Json> list = parse_json(text);
  if (!list) return corrupt(path, list.error().message);
  if (!list->is_array()) return corrupt(path, "not a list");
  std::vector<std::string> tokens;
  for (const Json& token : *list) {
    if (!token.is_string()) return corrupt(path, "a token is not a text");
    tokens.push_back(token.get<std::string>());
  }
  return tokens;
}

Result<std::vector<std::string>> tokens_of_tokenizer(const fs::path& path, const std::string& text) {
  Result<Json> document = parse_json(text);
  if (!document) return corrupt(path, document.error().message);
  const auto model = document->find("model");
  if (!document->is_object() || model == document->end() || !model->is_object() || !model->contains("vocab") ||
      !(*model)["vocab"].is_object()) {
    return corrupt(path, "has no model.vocab");
  }
  const Json& vocab = (*model)["vocab"];
  std::vector<std::string> tokens(vocab.size());
  std::vector<bool> seen(vocab.size());
  for (const auto& [token, id] : vocab.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= tokens.size() || seen[id.get<std::size_t>()]) {
      return corrupt(path, "its token numbers are not 0, 1, 2, ...");
    }
    seen[id.get<std::size_t>()] = true;
    tokens[id.get<std::size_t>()] = token;
  }
  return tokens;
}

Result<std::vector<std::string>> read_tokens(const fs::path& folder, fs::path& path) {
  for (const char* name : {"vocabulary.txt", "vocabulary.json", "tokenizer.json"}) {
    path = folder / name;
    Result<std::string> text = read_file(path, kMaxFile);
    if (!text && text.error().code == ErrorCode::kNotFound) continue;
    if (!text) return fail(std::move(text).error());
    if (path.filename() == "tokenizer.json") return tokens_of_tokenizer(path, *text);
    if (path.extension() == ".json") return tokens_of_json_list(path, *text);
    return split(*text, '\n');
  }
  return fail(ErrorCode::kNotFound, "no vocabulary.txt, vocabulary.json or tokenizer.json in " + folder.string());
}

}  // namespace

Result<std::vector<std::string>> read_whisper_vocab(const fs::path& folder) {
  fs::path path;
  MORGAN_TRY(std::vector<std::string> tokens, read_tokens(folder, path));
  if (tokens.size() > kMaxTokens) return corrupt(path, "has " + std::to_string(tokens.size()) + " tokens");
  std::vector<std::string> words;
  for (const std::string& token : tokens) {
    // whisper.cpp names this token and all after it by itself.
    if (token == kFirstSpecial) return words;
    std::string bytes;
    if (!decode_token(token, bytes)) {
      return corrupt(path, "token " + std::to_string(words.size()) + " is not in GPT-2's alphabet");
    }
    words.push_back(std::move(bytes));
  }
  if (path.filename() != "tokenizer.json") return corrupt(path, "has no token " + std::string(kFirstSpecial));
  return words;  // tokenizer.json may list the special tokens apart
}

}  // namespace morgan::models
