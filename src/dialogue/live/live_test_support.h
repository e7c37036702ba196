// A live conversation for tests: time stands still until the test moves it, engines are actors, and speech is sound
// that the actors can read: each word of a small vocabulary is a burst of its own loudness, so that a transcript says
// what was really handed over, sample by sample. Test code.
#pragma once

#include "audio/pcm.h"
#include "base/strings.h"
#include "dialogue/live/live_types.h"
#include "dialogue/scripted_engines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

inline constexpr std::size_t kWordMs = 240;
inline constexpr std::size_t kGapMs = 20;

/// Spoken words as sound, and back.
class SpokenCode {
 public:
  static const std::vector<std::string>& vocabulary() {
    static const std::vector<std::string> words{"what",    "is",    "the",      "time?",  "time",  "light.", "turn",
                                                "on",      "light", "and",      "radio.", "stop.", "mhm",    "yeah.",
                                                "paris?",  "about", "my",       "number", "five",  "hello.", "please",
                                                "word",    "in",    "kitchen.", "set",    "a",     "timer",  "for",
                                                "minutes", "ten",   "seconds.", "it?",    "tell",  "me",     "rivers."};
    return words;
  }

  static std::vector<float> word(const std::string& text) {
    const auto& words = vocabulary();
    const auto found = std::find(words.begin(), words.end(), text);
    EXPECT_NE(found, words.end()) << text;
    return burst(kWordMs, kLeast + kStep * static_cast<float>(found - words.begin()));
  }
  /// Voice without a word.
  static std::vector<float> cough(std::size_t ms) { return burst(ms, kLeast - 4 * kStep); }

  static std::vector<float> burst(std::size_t ms, float loud) {
    std::vector<float> samples(ms * audio::kSpeechRate / 1000);
    for (std::size_t i = 0; i < samples.size(); ++i)
      samples[i] = (i / 20) % 2 == 0 ? loud : -loud;
    return samples;
  }

  struct Word {
    std::string text;
    double begin_seconds = 0;
    double end_seconds = 0;
  };

  /// Words of which at least 3/4 are there.
  static std::vector<Word> read(std::span<const float> samples) {
    std::vector<Word> found;
    for (std::size_t at = 0; at < samples.size();) {
      const float loud = std::abs(samples[at]);
      std::size_t end = at + 1;
      while (end < samples.size() && std::abs(std::abs(samples[end]) - loud) < kStep / 4)
        ++end;
      const auto number = std::lround((loud - kLeast) / kStep);
      const bool long_enough = end - at >= kWordMs * audio::kSpeechRate / 1000 * 3 / 4;
      if (loud > kLeast - kStep / 2 && long_enough && number < static_cast<long>(vocabulary().size())) {
        found.push_back({vocabulary()[static_cast<std::size_t>(number)], seconds(at), seconds(end)});
      }
      at = end;
    }
    return found;
  }

 private:
  static constexpr float kLeast = 0.2F;
  static constexpr float kStep = 0.01F;
  static double seconds(std::size_t samples) { return static_cast<double>(samples) / audio::kSpeechRate; }
};

class LiveStt final : public engines::SttEngine {
 public:
  Result<engines::Transcript> transcribe(audio::PcmView pcm, const engines::SttRequest& request,
                                         const StopToken& stop) override {
    const std::lock_guard lock(mutex);
    ++calls;
    if (stop.stop_requested()) return fail(stop.error());
    likely_language = request.likely_language;
    if (request.priority == engines::SttPriority::kLive && on_live) on_live();
    if (error) return fail(*error);
    engines::Transcript transcript;
    transcript.language = "en";
    transcript.confidence = 0.9F;
    transcript.duration_seconds = static_cast<double>(pcm.samples.size()) / audio::kSpeechRate;
    engines::SttSegment segment;
    for (const SpokenCode::Word& word : SpokenCode::read(pcm.samples)) {
      segment.text += (segment.text.empty() ? "" : " ") + word.text;
      segment.words.push_back({word.text, word.begin_seconds, word.end_seconds, 0.9F});
    }
    if (segment.words.empty()) return transcript;
    segment.start_seconds = segment.words.front().start_seconds;
    segment.end_seconds = segment.words.back().end_seconds;
    segment.confidence = 0.9F;
    transcript.text = segment.text;
    transcript.segments.push_back(std::move(segment));
    return transcript;
  }
  Result<std::vector<engines::LanguageGuess>> detect_language(audio::PcmView, const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "no");
  }
  engines::EngineInfo info() const override { return {}; }

  std::mutex mutex;
  int calls = 0;
  std::string likely_language;  ///< of the last request
  std::optional<Error> error;
  std::function<void()> on_live;  ///< when the end of a turn is transcribed, not a part of it
};

class LiveVad final : public engines::VadEngine {
 public:
  std::unique_ptr<engines::VadStream> open() override { return std::make_unique<Stream>(&broken); }
  engines::EngineInfo info() const override { return {}; }
  std::atomic<bool> broken{false};

 private:
  class Stream final : public engines::VadStream {
   public:
    explicit Stream(const std::atomic<bool>* broken) : broken_(broken) {}
    Result<float> push(std::span<const float> frame) override {
      if (*broken_) return fail(ErrorCode::kInternal, "Silero broke");
      float sum = 0;
      for (const float sample : frame)
        sum += std::abs(sample);
      return sum / static_cast<float>(frame.size()) > 0.03F ? 0.95F : 0.02F;
    }
    void reset() override {}

   private:
    const std::atomic<bool>* broken_;
  };
};

class LiveTurnModel final : public engines::TurnEngine {
 public:
  Result<float> probability_complete(audio::PcmView) override {
    if (broken) return fail(ErrorCode::kInternal, "the turn model broke");
    return probability.load();
  }
  engines::EngineInfo info() const override { return {}; }
  std::atomic<float> probability{0.97F};
  std::atomic<bool> broken{false};
};

class LiveLlm final : public engines::LlmEngine {
 public:
  Result<engines::ChatReply> chat(const engines::ChatRequest& request,
                                  const std::function<bool(std::string_view)>& on_text,
                                  const StopToken& stop) override {
    std::vector<std::string> lines;
    {
      const std::lock_guard lock(mutex);
      requests.push_back(request);
      lines = answers.empty() ? pieces : answers.front();
      if (!answers.empty()) answers.pop_front();
    }
    if (error_at_once) return fail(*error_at_once);
    engines::ChatReply reply;
    const auto say = [&](const std::string& piece) {
      reply.text += piece;
      const bool go_on = on_text(piece);
      written.fetch_add(1);
      changed.notify_all();
      return go_on;
    };
    for (const auto& piece : lines) {
      if (stop.stop_requested()) return fail(stop.error());
      if (!say(piece)) return fail(ErrorCode::kCancelled, "cancelled");
    }
    while (!endless.empty()) {
      if (!say(endless)) return fail(ErrorCode::kCancelled, "cancelled");
    }
    if (error_at_end) return fail(*error_at_end);
    reply.finish_reason = "stop";
    reply.usage = {11, 7, 3};
    reply.tool_calls = tool_calls;
    return reply;
  }
  Result<engines::WireReply> chat_completions(const std::string&, const std::function<bool(std::string_view)>&,
                                              const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "no");
  }
  Result<void> prefill(const std::vector<engines::ChatMessage>& messages, const StopToken&) override {
    const std::lock_guard lock(mutex);
    prefilled = messages;
    return {};
  }
  std::string model_name() const override { return "scripted"; }
  int context_tokens() const override { return 0; }
  engines::EngineInfo info() const override { return {}; }

  /// Waits until so many pieces of text were taken from it.
  void wait_until_written(std::size_t count) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return written.load() >= count; }));
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<std::size_t> written{0};
  std::vector<std::string> pieces{"It is ", "noon. ", "Time for ", "lunch!"};
  std::deque<std::vector<std::string>> answers;  ///< of the next calls; then `pieces`
  std::vector<engines::ToolCall> tool_calls;     ///< that every answer ends with
  std::string endless;                           ///< not empty: goes on with it until it is stopped
  std::optional<Error> error_at_once;
  std::optional<Error> error_at_end;
  std::vector<engines::ChatRequest> requests;
  std::vector<engines::ChatMessage> prefilled;
};

/// Each letter is so many samples of one loudness; the words' places are exact.
class LiveTts final : public engines::TtsEngine {
 public:
  std::vector<engines::Voice> voices() const override {
    return {{"joe", "en-US", "male", 22050, "", "piper"}, {"amy", "en-US", "female", 24000, "", "kokoro"}};
  }
  Result<engines::Voice> find_voice(const std::string& name) const override {
    for (const auto& voice : voices()) {
      if (voice.name == name) return voice;
    }
    return fail({ErrorCode::kNotFound, "no voice '" + name + "'", "VOICE_NOT_FOUND", "voice"});
  }
  Result<void> synthesize(const engines::TtsRequest&, const engines::TtsSink&, const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "the live conversation asks for words");
  }
  Result<void> synthesize_timed(const engines::TtsRequest& request, const engines::TimedSink& sink,
                                const StopToken& stop) override {
    if (++calls == fail_at || fail_always) return fail(ErrorCode::kInternal, "the voice broke");
    std::vector<float> samples;
    std::vector<engines::SpokenWord> words;
    std::size_t begin = 0;
    while (begin < request.text.size()) {
      const std::size_t end = std::min(request.text.find(' ', begin), request.text.size());
      if (stop.stop_requested()) return fail(stop.error());
      samples.assign((end - begin) * samples_per_letter, 0.25F);
      words.assign(1, {request.text.substr(begin, end - begin), end, 0, samples.size()});
      if (!sink({samples, words})) return fail(ErrorCode::kCancelled, "the sink refused");
      begin = end + 1;
    }
    return {};
  }
  std::vector<engines::EngineInfo> info() const override { return {}; }

  static std::size_t samples_for(const std::vector<std::string>& pieces) {
    std::size_t letters = 0;
    for (const std::string& piece : pieces)
      letters += static_cast<std::size_t>(std::count_if(piece.begin(), piece.end(), [](char c) { return c != ' '; }));
    return letters * kUsualSamples;
  }

  static constexpr std::size_t kUsualSamples = 1'102;  // a letter in 50 ms
  std::size_t samples_per_letter = kUsualSamples;
  std::atomic<std::size_t> calls{0};
  std::size_t fail_at = 0;
  std::atomic<bool> fail_always{false};
};

}  // namespace morgan::dialogue::live
