#include "dialogue/live/turn_recorder.h"

#include "audio/media_decoder.h"
#include "base/file.h"
#include "base/ids.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>

namespace morgan::dialogue::live {
namespace {

namespace fs = std::filesystem;

class Recorder : public testing::Test {
 protected:
  Recorder() : folder_(fs::temp_directory_path() / random_id("turns_")), pool_(runtime::BlockingPool::create(1, 64)) {}
  ~Recorder() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.insert(entry.path().filename().string());
    return names;
  }

  fs::path folder_;
  std::unique_ptr<runtime::BlockingPool> pool_;
};

TEST_F(Recorder, KeepsTheAudioAndWhatBecameOfIt) {
  std::vector<float> spoken(1600);
  for (std::size_t i = 0; i < spoken.size(); ++i)
    spoken[i] = 0.5F * std::sin(0.1F * static_cast<float>(i));
  TurnRecorder recorder(folder_, *pool_);
  const std::string name = recorder.keep_audio(spoken);
  recorder.keep_turn(name, {{"transcript", "hello"}});
  pool_->stop();  // finishes what it has taken
  EXPECT_EQ(files(), (std::set<std::string>{name + ".wav", name + ".json"}));
  const auto wav = read_file(folder_ / (name + ".wav"), 1'000'000);
  ASSERT_TRUE(wav);
  const auto pcm = audio::decode_media(*wav, audio::kSpeechRate);
  ASSERT_TRUE(pcm);
  ASSERT_EQ(pcm->samples.size(), spoken.size());
  EXPECT_NEAR(pcm->samples[700], spoken[700], 1e-3);
  const auto json = read_file(folder_ / (name + ".json"), 1'000'000);
  ASSERT_TRUE(json);
  EXPECT_EQ(parse_json(*json)->value("transcript", ""), "hello");
}

TEST_F(Recorder, DeletesTheTurnsOfOneUser) {
  TurnRecorder recorder(folder_, *pool_);
  const std::string anns = recorder.keep_audio(std::vector<float>(160));
  const std::string bens = recorder.keep_audio(std::vector<float>(160));
  recorder.keep_turn(anns, {{"user_id", "ann"}});
  recorder.keep_turn(bens, {{"user_id", "ben"}});
  pool_->stop();
  EXPECT_EQ(erase_turns(folder_, "ann"), 1);
  EXPECT_EQ(files(), (std::set<std::string>{bens + ".wav", bens + ".json"}));
  EXPECT_EQ(erase_turns(folder_ / "none", "ben"), 0);
}

TEST_F(Recorder, RemovesTheOldestTurnsWithAllThatBelongsToThem) {
  fs::create_directories(folder_);
  const auto now = fs::file_time_type::clock::now();
  for (int hours = 1; hours <= 3; ++hours) {
    for (const char* extension : {".wav", ".json"}) {
      const fs::path file = folder_ / ("turn_" + std::to_string(hours) + extension);
      ASSERT_TRUE(write_file_atomically(file, "old"));
      fs::last_write_time(file, now - std::chrono::hours(hours));
    }
  }
  ASSERT_TRUE(write_file_atomically(folder_ / "notes.txt", "not a turn"));
  TurnRecorder recorder(folder_, *pool_, 2);
  const std::string name = recorder.keep_audio(std::vector<float>(160, 0.1F));
  pool_->stop();
  EXPECT_EQ(files(), (std::set<std::string>{name + ".wav", "turn_1.wav", "turn_1.json", "notes.txt"}));
}

TEST_F(Recorder, OnlyTheOwnerMayReadThem) {
  TurnRecorder recorder(folder_, *pool_);
  recorder.keep_audio(std::vector<float>(160, 0.1F));
  pool_->stop();
  EXPECT_EQ(fs::status(folder_).permissions() & fs::perms::mask, fs::perms::owner_all);
}

TEST_F(Recorder, ATurnIsNotKeptWhenNothingCanWriteIt) {
  pool_->stop();
  TurnRecorder recorder(folder_, *pool_);
  EXPECT_EQ(recorder.keep_audio(std::vector<float>(160, 0.1F)), "");
  EXPECT_EQ(recorder.keep_audio({}), "");
  EXPECT_FALSE(fs::exists(folder_));
}

}  // namespace
}  // namespace morgan::dialogue::live
