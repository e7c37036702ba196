#include "dialogue/live/turn_recorder.h"

#include "audio/media_encoder.h"
#include "base/file.h"
#include "base/ids.h"
#include "base/log.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace morgan::dialogue::live {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "turn_";

}  // namespace

struct TurnRecorder::Folder {
  fs::path path;
  std::size_t kept = 0;
  std::mutex mutex;  // one writer at a time: two would both remove the oldest

  Result<void> make() const;
  void write(const std::string& file, const std::string& content);
  void remove_oldest() const;
};

Result<void> TurnRecorder::Folder::make() const {
  std::error_code failed;
  if (!fs::create_directories(path, failed) && !failed) return {};
  if (!failed) fs::permissions(path, fs::perms::owner_all, failed);  // what somebody said is theirs
  if (failed) return fail(ErrorCode::kUnavailable, path.string() + ": " + failed.message());
  return {};
}

void TurnRecorder::Folder::write(const std::string& file, const std::string& content) {
  const std::lock_guard lock(mutex);
  Result<void> written = make();
  if (written) written = write_file_atomically(path / file, content);
  if (!written) log::warn("dialogue", "a turn was not recorded", {{"why", written.error().message}});
  remove_oldest();
}

void TurnRecorder::Folder::remove_oldest() const {
  std::error_code ignored;
  std::map<std::string, fs::file_time_type> newest;  // of the files of each turn
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    auto& when = newest.try_emplace(entry.path().stem().string(), fs::file_time_type::min()).first->second;
    when = std::max(when, entry.last_write_time(ignored));
  }
  if (newest.size() <= kept) return;
  std::vector<std::pair<fs::file_time_type, std::string>> turns;
  for (const auto& [name, when] : newest)
    turns.emplace_back(when, name);
  std::sort(turns.begin(), turns.end());
  turns.resize(turns.size() - kept);
  for (const auto& [when, name] : turns) {
    fs::remove(path / (name + ".wav"), ignored);
    fs::remove(path / (name + ".json"), ignored);
  }
}

long long erase_turns(const fs::path& folder, const std::string& user_id) {
  constexpr std::uint64_t kMostTurn = 10'000'000;
  std::error_code ignored;
  std::vector<fs::path> turns;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".json" || !entry.path().filename().string().starts_with(kPrefix)) continue;
    const auto text = read_file(entry.path(), kMostTurn);
    const auto turn = text ? parse_json_object(*text) : Result<Json>(fail(text.error()));
    if (turn && turn->value("user_id", Json()) == Json(user_id)) turns.push_back(entry.path());
  }
  for (fs::path& turn : turns) {
    fs::remove(turn, ignored);
    fs::remove(turn.replace_extension(".wav"), ignored);
  }
  return static_cast<long long>(turns.size());
}

TurnRecorder::TurnRecorder(fs::path folder, runtime::BlockingPool& pool, std::size_t kept)
    : folder_(std::make_shared<Folder>()), pool_(pool) {
  folder_->path = std::move(folder);
  folder_->kept = kept;
}

std::string TurnRecorder::keep_audio(std::span<const float> utterance) {
  if (utterance.empty()) return "";
  std::string name = random_id(kPrefix);
  auto task = [folder = folder_, name, samples = std::vector<float>(utterance.begin(), utterance.end())] {
    const auto wav = audio::encode_media(audio::AudioFormat::kWav, {samples, audio::kSpeechRate});
    if (wav) folder->write(name + ".wav", *wav);
  };
  if (!pool_.run(std::move(task))) return "";  // too busy to keep anything
  return name;
}

void TurnRecorder::keep_turn(const std::string& name, const OrderedJson& turn) {
  // Refused: the audio stays without its turn, and replay says so.
  static_cast<void>(
      pool_.run([folder = folder_, name, text = dump_json(turn, 2)] { folder->write(name + ".json", text); })
          .has_value());
}

}  // namespace morgan::dialogue::live
