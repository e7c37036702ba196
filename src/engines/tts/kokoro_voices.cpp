#include "engines/tts/kokoro_voices.h"

#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "engines/tts/voice_list.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace morgan::engines {

namespace fs = std::filesystem;

namespace {

constexpr int kKokoroRate = 24000;
constexpr std::uintmax_t kFileSize = KokoroStyle::kRows * KokoroStyle::kWidth * sizeof(float);
static_assert(std::endian::native == std::endian::little, "voice files are little-endian floats");

/// Letter of the name's prefix to language and gender: "af_heart" is American and female.
std::optional<Voice> describe(const std::string& name) {
  if (name.size() < 4 || name[2] != '_') return std::nullopt;
  const char accent = name[0];
  const char gender = name[1];
  if ((accent != 'a' && accent != 'b') || (gender != 'f' && gender != 'm')) return std::nullopt;
  Voice voice;
  voice.name = name;
  voice.language = accent == 'a' ? "en-US" : "en-GB";
  voice.gender = gender == 'f' ? "female" : "male";
  voice.sample_rate_hz = kKokoroRate;
  voice.backend = "kokoro";
  std::string given = name.substr(3);
  if (given[0] >= 'a' && given[0] <= 'z') given[0] = static_cast<char>(given[0] - 'a' + 'A');
  voice.description = given + (accent == 'a' ? ", American " : ", British ") + (gender == 'f' ? "woman" : "man");
  return voice;
}

Failure wrong_size(const fs::path& file) {
  return fail(ErrorCode::kCorrupt, "the voice file " + file.string() + " is damaged: it must have " +
                                       std::to_string(kFileSize) + " bytes; `morgan models verify` checks it");
}

}  // namespace

bool is_british(const Voice& voice) {
  return voice.language == "en-GB";
}

Result<std::shared_ptr<const KokoroStyle>> KokoroStyle::load(const fs::path& file) {
  const Result<std::string> bytes = read_file(file, kFileSize + 1);
  if (!bytes && bytes.error().code != ErrorCode::kTooLarge) return fail(bytes.error());
  if (!bytes || bytes->size() != kFileSize) return wrong_size(file);
  const auto style = std::make_shared<KokoroStyle>();
  style->values_.resize(kRows * kWidth);
  std::memcpy(style->values_.data(), bytes->data(), kFileSize);
  const bool finite =
      std::all_of(style->values_.begin(), style->values_.end(), [](float v) { return std::isfinite(v); });
  if (!finite)
    return fail(ErrorCode::kCorrupt,
                "the voice file " + file.string() + " is damaged: it holds values that are no numbers");
  return std::shared_ptr<const KokoroStyle>(style);
}

std::vector<float> KokoroStyle::row_for(std::size_t tokens) const {
  const std::size_t row = std::min(tokens == 0 ? 0 : tokens - 1, kRows - 1);
  const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(row * kWidth);
  return {begin, begin + static_cast<std::ptrdiff_t>(kWidth)};
}

Result<std::unique_ptr<KokoroVoices>> KokoroVoices::scan(const fs::path& folder, const std::string& default_voice) {
  std::error_code status;
  fs::directory_iterator entries(folder, status);
  if (status) return fail(ErrorCode::kNotFound, "there is no folder of voices " + folder.string());
  std::unique_ptr<KokoroVoices> voices(new KokoroVoices);
  voices->folder_ = folder;
  for (; entries != fs::directory_iterator(); entries.increment(status)) {
    const fs::path& file = entries->path();
    if (file.extension() != ".bin") continue;
    std::optional<Voice> voice = describe(file.stem().string());
    if (!voice) continue;
    const std::uintmax_t size = fs::file_size(file, status);
    if (status || size != kFileSize) {
      if (voice->name == default_voice) return wrong_size(file);
      log::warn("tts", "voice left out: its file has a wrong size", {{"file", file.string()}});
      continue;
    }
    voices->list_.push_back(std::move(*voice));
  }
  std::sort(voices->list_.begin(), voices->list_.end(), [](const Voice& a, const Voice& b) { return a.name < b.name; });
  if (voices->list_.empty()) return fail(ErrorCode::kNotFound, "there is no English voice in " + folder.string());
  MORGAN_CHECK_OK(voice_named(voices->list_, default_voice, default_voice));
  return voices;
}

Result<std::shared_ptr<const KokoroStyle>> KokoroVoices::style(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = styles_.find(name); found != styles_.end()) return found->second;
  MORGAN_TRY(auto style, KokoroStyle::load(folder_ / (name + ".bin")));
  styles_.emplace(name, style);
  return style;
}

}  // namespace morgan::engines
