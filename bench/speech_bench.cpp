// Measures the voices as the real-time conversation uses them, clause after clause. Not a test: it prints figures.
//
//     speech_bench first [voice]        time to the first sample of an answer's first words, per number of threads
//     speech_bench words [voice]        where Morgan says each word is, against where Whisper hears it
//     speech_bench seams [voice] [n]    clicks, silence, levels, DC and clipping over n seams
//
// Models are read from $MORGAN_HOME/models; voice is "joe" (Piper, the default) or one of Kokoro's.
#include "audio/resampler.h"
#include "engines/stt/whisper_cpp_stt.h"
#include "engines/tts/kokoro_tts.h"
#include "engines/tts/piece_shaper.h"
#include "engines/tts/piper_tts.h"
#include "engines/tts/seam_checks.h"
#include "text/sentence_splitter.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <map>
#include <numeric>
#include <string>

namespace {

using namespace morgan;
using namespace morgan::engines;
using Clock = std::chrono::steady_clock;

constexpr const char* kAnswers[] = {
    "The capital of France is Paris, which lies on the river Seine. It has about two million people.",
    "Of course, I can help you with that. Tell me what you would like to cook tonight.",
    "Photosynthesis converts sunlight into chemical energy that plants can store and use later.",
    "You should keep your receipts because many shops ask for them when you return something.",
    "It costs $5 at 10:30 in the morning, or $12.50 in the afternoon, as far as I know.",
    "The train to Berlin leaves from platform seven at a quarter past nine every morning.",
    "Well, there are three ways to do this, and the first one is by far the easiest.",
    "A good night's sleep helps your brain to remember what you have learned during the day.",
    "Water boils at one hundred degrees at sea level, but at lower temperatures in the mountains.",
    "I would start with the smallest problem, solve it, and then look at the next one.",
    "My grandmother planted this old apple tree in the garden behind the house.",
    "Please remember to close the window before you leave the office this evening.",
    "The meeting was moved to Thursday, so you have one more day to prepare your talk.",
    "Some birds fly thousands of miles every autumn to find a warmer place for the winter.",
    "If it rains tomorrow, we could visit the museum near the station instead of the park.",
    "The quick brown fox jumps over the lazy dog while the farmer is watching from the barn.",
    "Bread needs only flour, water, salt and time, and the last of these matters most.",
    "Her brother studied music in Vienna before he became a teacher in a small village.",
    "Most of the island is covered by forest, and there is only one road along the coast.",
    "Turn left at the church, walk down the hill, and you will see the bakery on your right."};

struct Heard {
  std::vector<float> samples;
  std::vector<SpokenWord> words;   // times in `samples`
  std::vector<std::size_t> seams;  // where pieces begin, the first left out
};

std::string home() {
  const char* folder = std::getenv("MORGAN_HOME");
  return folder == nullptr ? "." : folder;
}

template <typename T>
T need(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "speech_bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

std::unique_ptr<TtsEngine> load(const std::string& voice, int threads) {
  const std::filesystem::path models = home() + "/models";
  if (voice == "joe") {
    return need(load_piper({.model = models / "piper-joe/en_US-joe-medium.onnx",
                            .voice_name = "joe",
                            .model_name = "piper-joe",
                            .threads = threads}));
  }
  KokoroOptions options;
  options.model = models / "kokoro/kokoro-82m-int8.onnx";
  options.vocabulary = models / "kokoro/vocab.json";
  options.voices = models / "kokoro/voices";
  options.model_name = "kokoro";
  options.threads = threads;
  return need(load_kokoro(options));
}

std::vector<std::string> live_pieces(const char* answer) {
  return text::split_sentences(answer, {.first_clause_chars = 24, .max_chars = 300, .eager = true});
}

/// Speaks an answer as the live path does, piece after piece.
void speak_live(TtsEngine& tts, const std::string& voice, const std::vector<std::string>& pieces, Heard& heard) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    TtsRequest request{.text = pieces[i], .voice = voice};
    request.follows = i > 0;
    request.continues = i + 1 < pieces.size();
    const auto take = [&](const SpeechChunk& chunk) {
      if (!heard.samples.empty()) heard.seams.push_back(heard.samples.size());
      for (SpokenWord word : chunk.words) {
        word.begin_sample += heard.samples.size();
        word.end_sample += heard.samples.size();
        heard.words.push_back(std::move(word));
      }
      heard.samples.insert(heard.samples.end(), chunk.samples.begin(), chunk.samples.end());
      return true;
    };
    const auto done = tts.synthesize_timed(request, take, StopToken());
    if (!done) need<int>(fail(done.error()));
  }
}

double percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void measure_first(const std::string& voice) {
  for (const int threads : {1, 2}) {
    const auto tts = load(voice, threads);
    std::vector<double> times;
    std::vector<double> work;  // of all threads, which other programs on the machine disturb less
    std::vector<double> lengths;
    for (int round = 0; round < (voice == "joe" ? 5 : 1); ++round) {
      for (const char* answer : kAnswers) {
        TtsRequest request{.text = live_pieces(answer)[0], .voice = voice};
        request.continues = true;
        const auto begin = Clock::now();
        const std::clock_t begin_work = std::clock();
        const auto take = [&](const SpeechChunk& chunk) {
          times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
          work.push_back(1000.0 * static_cast<double>(std::clock() - begin_work) / CLOCKS_PER_SEC);
          lengths.push_back(static_cast<double>(chunk.samples.size()) / tts->find_voice(voice)->sample_rate_hz);
          return false;
        };
        static_cast<void>(tts->synthesize_timed(request, take, StopToken()));
      }
    }
    std::printf("%s, %d threads: first sample after p50 %.1f ms, p95 %.1f ms, least %.1f ms; processor p50 %.1f ms, least "
                "%.1f ms; first piece p50 %.2f s\n",
                voice.c_str(), threads, percentile(times, 0.5), percentile(times, 0.95), percentile(times, 0), percentile(work, 0.5), percentile(work, 0),
                percentile(lengths, 0.5));
  }
}

std::string key_of(const std::string& word) {
  std::string key;
  for (const char c : word) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return key;
}

void measure_words(const std::string& voice) {
  const auto tts = load(voice, 2);
  const int rate = need(tts->find_voice(voice)).sample_rate_hz;
  const auto stt = need(load_whisper(
      {.model = home() + "/models/whisper-base/ggml-base-q8_0.bin", .model_name = "whisper-base"}, nullptr));
  std::vector<double> begins;
  std::vector<double> ends;
  std::size_t unheard = 0;
  for (const char* answer : kAnswers) {
    Heard heard;
    speak_live(*tts, voice, live_pieces(answer), heard);
    const auto pcm = need(audio::resample({heard.samples, rate}, audio::kSpeechRate));
    SttRequest request;
    request.language = "en";
    request.word_timestamps = true;
    request.use_vad = false;
    const Transcript transcript = need(stt->transcribe(pcm, request, StopToken()));
    std::vector<SttWord> whisper;
    for (const SttSegment& segment : transcript.segments)
      whisper.insert(whisper.end(), segment.words.begin(), segment.words.end());
    std::size_t next = 0;
    for (const SpokenWord& word : heard.words) {
      std::size_t at = next;
      while (at < whisper.size() && at < next + 6 && key_of(whisper[at].text) != key_of(word.text))
        ++at;
      if (at >= whisper.size() || at >= next + 6) {
        ++unheard;
        continue;
      }
      next = at + 1;
      begins.push_back(static_cast<double>(word.begin_sample) / rate - whisper[at].start_seconds);
      ends.push_back(static_cast<double>(word.end_sample) / rate - whisper[at].end_seconds);
      if (std::getenv("SPEECH_BENCH_WORDS") != nullptr) {
        std::printf("%-16s morgan %.2f-%.2f whisper %.2f-%.2f\n", word.text.c_str(),
                    static_cast<double>(word.begin_sample) / rate, static_cast<double>(word.end_sample) / rate,
                    whisper[at].start_seconds, whisper[at].end_seconds);
      }
    }
  }
  for (const auto& [what, values] : {std::pair("begin", &begins), {"end", &ends}}) {
    const double middle = percentile(*values, 0.5);
    std::vector<double> sizes;
    for (const double value : *values)
      sizes.push_back(std::abs(value));
    const auto near = std::count_if(sizes.begin(), sizes.end(), [](double size) { return size <= 0.12; });
    std::printf("%s: %zu words, offset p50 %+.0f ms, distance p50 %.0f ms, p90 %.0f ms, within 120 ms %.0f %%\n", what,
                sizes.size(), middle * 1000, percentile(sizes, 0.5) * 1000, percentile(sizes, 0.9) * 1000,
                100.0 * static_cast<double>(near) / static_cast<double>(sizes.size()));
  }
  std::printf("not matched (numbers, mishearings): %zu words\n", unheard);
}

void measure_seams(const std::string& voice, std::size_t wanted) {
  const auto tts = load(voice, 2);
  const int rate = need(tts->find_voice(voice)).sample_rate_hz;
  std::size_t seams = 0;
  std::size_t clicks = 0;
  std::size_t outside = 0;
  float peak = 0;
  double dc = 0;
  double total = 0;
  std::vector<double> heads;
  std::vector<double> gaps;
  std::vector<double> levels;  // of a piece against the mean of its answer
  for (std::size_t round = 0; seams < wanted; ++round) {
    Heard heard;
    speak_live(*tts, voice, live_pieces(kAnswers[round % std::size(kAnswers)]), heard);
    const std::span<const float> all = heard.samples;
    std::vector<std::size_t> begins{0};
    begins.insert(begins.end(), heard.seams.begin(), heard.seams.end());
    std::vector<double> loudness;
    for (std::size_t i = 0; i < begins.size(); ++i) {
      const std::size_t end = i + 1 < begins.size() ? begins[i + 1] : all.size();
      const auto piece = all.subspan(begins[i], end - begins[i]);
      loudness.push_back(loudness_db(piece, rate));
      dc = std::max(dc, std::abs(dc_of(piece)));
      const auto loud = std::find_if(piece.begin(), piece.end(), [](float x) { return std::abs(x) > 0.004F; });
      heads.push_back(static_cast<double>(loud - piece.begin()) / rate);
      for (const float sample : piece)
        peak = std::max(peak, std::abs(sample));
    }
    const double mean = std::accumulate(loudness.begin(), loudness.end(), 0.0) / static_cast<double>(loudness.size());
    for (const double level : loudness) {
      total += level;
      levels.push_back(level - mean);
      if (std::abs(level - mean) > 3) ++outside;
    }
    for (const std::size_t seam : heard.seams) {
      const auto quiet = [](float x) { return std::abs(x) < 0.004F; };
      const auto at = all.begin() + static_cast<std::ptrdiff_t>(seam);
      const auto last = std::find_if_not(std::make_reverse_iterator(at), all.rend(), quiet).base();
      gaps.push_back(static_cast<double>(std::find_if_not(at, all.end(), quiet) - last) / rate);
      const auto click = click_at_seam(all, seam, rate);
      if (!click) continue;
      ++clicks;
      if (std::getenv("SPEECH_BENCH_CLICKS") == nullptr) continue;
      std::printf("click %td samples from the seam:", static_cast<std::ptrdiff_t>(*click) - static_cast<std::ptrdiff_t>(seam));
      for (std::size_t i = *click - 6; i < *click + 6 && i < all.size(); ++i)
        std::printf(" %.4f", static_cast<double>(all[i]));
      std::printf("\n");
    }
    seams += heard.seams.size();
  }
  std::printf(
      "%s: %zu seams, clicks %zu; silence at the head p50 %.1f ms, most %.1f ms; gap p10 %.0f, p50 %.0f, p90 %.0f "
      "ms\n",
      voice.c_str(), seams, clicks, percentile(heads, 0.5) * 1000, percentile(heads, 1) * 1000,
      percentile(gaps, 0.1) * 1000, percentile(gaps, 0.5) * 1000, percentile(gaps, 0.9) * 1000);
  std::printf("mean level %.1f dB, ", total / static_cast<double>(levels.size()));
  std::printf("level against the answer's p5 %+.1f dB, p95 %+.1f dB, beyond 3 dB %zu of %zu; peak %.2f; DC %.5f\n",
              percentile(levels, 0.05), percentile(levels, 0.95), outside, levels.size(), static_cast<double>(peak),
              dc);
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const std::string what = words.empty() ? "" : words[0];
  const std::string voice = words.size() > 1 ? words[1] : "joe";
  if (what == "first") {
    measure_first(voice);
  } else if (what == "words") {
    measure_words(voice);
  } else if (what == "seams") {
    measure_seams(voice, words.size() > 2 ? std::stoul(words[2]) : 1000);
  } else {
    std::fprintf(stderr, "usage: speech_bench first|words|seams [voice] [seams]\n");
    return 2;
  }
  return 0;
}
