// Streams recordings through StreamingTranscriber as a microphone would, in steps of 32 ms with a partial pass every
// 400 ms, and compares the last text with a pass over the whole recording. Not a test: it prints.
//   stt_streaming_bench MODEL VAD RECORDINGS...   (16 kHz mono PCM16 wav)
#include "base/strings.h"
#include "engines/stt/streaming_transcriber.h"
#include "engines/stt/whisper_cpp_stt.h"
#include "engines/vad/silero_vad.h"
#include "test_support/wav_file.h"
#include "text/word_errors.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace {

using namespace morgan;
using namespace morgan::engines;

constexpr std::size_t kStep = 512;

/// Of all threads: on a machine that does other things, too, the wall clock says nothing.
double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double rank(std::vector<double> values, double fraction) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Totals {
  std::size_t words = 0;
  std::size_t stream_errors = 0;
  std::size_t pause_errors = 0;
  std::size_t truth_words = 0;
  std::size_t truth_stream = 0;
  std::size_t truth_whole = 0;
  std::size_t broken_promises = 0;
  std::size_t checked = 0;
  std::vector<double> pause_ms;
  std::vector<double> final_ms;
  std::vector<double> partial_ms;
  std::vector<double> whole_ms;
  std::vector<double> tail;
};

struct Clip {
  std::string name;
  audio::PcmBuffer pcm;
  std::string truth;
};

void stream(SttEngine& stt, const Clip& clip, std::size_t every, Totals& totals, bool verbose) {
  StreamingTranscriber stream(stt, {});
  std::string stable;
  std::size_t since = 0;
  Hypothesis last;
  const auto keep = [&](const Hypothesis& now) {
    if (!now.text.starts_with(stable)) {
      ++totals.broken_promises;
      std::printf("BROKEN %s: '%s' then '%s'\n", clip.name.c_str(), stable.c_str(), now.text.c_str());
    }
    stable = now.text.substr(0, now.stable_bytes);
    last = now;
  };
  const auto pass = [&](DecodeKind kind) {
    const auto begin = cpu_ms();
    auto now = stream.decode(kind, {});
    const double ms = cpu_ms() - begin;
    if (!now)
      std::printf("ERROR %s\n", now.error().message.c_str());
    else
      keep(*now);
    if (verbose)
      std::printf("  %6.2f s %s %5.0f ms  [%s|%s] p %.2f\n", static_cast<double>(stream.samples()) / 16000,
                  kind == DecodeKind::kPartial ? "partial"
                  : kind == DecodeKind::kPause ? "pause  "
                                               : "final  ",
                  ms, last.text.substr(0, last.stable_bytes).c_str(), last.text.substr(last.stable_bytes).c_str(),
                  static_cast<double>(last.confidence));
    return ms;
  };
  for (std::size_t at = 0; at < clip.pcm.samples.size(); at += kStep) {
    const std::size_t size = std::min(kStep, clip.pcm.samples.size() - at);
    if (!stream.push(std::span<const float>(clip.pcm.samples).subspan(at, size))) break;
    since += size;
    if (since < every) continue;
    since = 0;
    totals.partial_ms.push_back(pass(DecodeKind::kPartial));
  }
  const std::vector<float> silence(3200, 0.0F);
  (void)stream.push(silence);
  totals.pause_ms.push_back(pass(DecodeKind::kPause));
  const std::string paused = last.text;
  totals.final_ms.push_back(pass(DecodeKind::kFinal));
  totals.checked += last.engine_ms > 0 ? 1 : 0;
  SttRequest request;
  request.priority = SttPriority::kLive;
  request.use_vad = false;  // the streamed passes look for no pauses either
  audio::PcmBuffer padded = clip.pcm;
  padded.samples.insert(padded.samples.end(), silence.begin(), silence.end());
  const auto begin = cpu_ms();
  const auto whole = stt.transcribe(padded, request, {});
  totals.whole_ms.push_back(cpu_ms() - begin);
  if (!whole) return;
  const text::WordErrors streamed = text::count_word_errors(whole->text, last.text);
  totals.words += streamed.words;
  totals.stream_errors += streamed.edits;
  totals.pause_errors += text::count_word_errors(whole->text, paused).edits;
  if (!clip.truth.empty()) {
    const text::WordErrors truth = text::count_word_errors(clip.truth, last.text);
    totals.truth_words += truth.words;
    totals.truth_stream += truth.edits;
    totals.truth_whole += text::count_word_errors(clip.truth, whole->text).edits;
  }
  std::printf("%-24s %5.1f s  pause %4.0f ms  final %4.0f ms  whole %4.0f ms  words %3zu wrong %2zu\n",
              clip.name.c_str(), clip.pcm.seconds(), totals.pause_ms.back(), totals.final_ms.back(),
              totals.whole_ms.back(), streamed.words, streamed.edits);
  if (streamed.edits > 0) std::printf("    whole: %s\n    stream: %s\n", whole->text.c_str(), last.text.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto vad = load_silero_vad(argv[2]);
  if (!vad) return 1;
  auto stt = load_whisper({argv[1], "whisper-base",
                           std::getenv("BENCH_THREADS") != nullptr ? std::atoi(std::getenv("BENCH_THREADS")) : 2},
                          vad->get());
  if (!stt) return 1;
  const char* only = std::getenv("BENCH_ONLY");
  const char* each = std::getenv("BENCH_EVERY_MS");
  const std::size_t every = each != nullptr ? static_cast<std::size_t>(std::atoi(each)) * 16 : 6400;
  std::vector<Clip> clips;
  for (int i = 3; i < argc; ++i) {
    const std::filesystem::path path = argv[i];
    auto pcm = test_support::read_test_wav(argv[i]);
    if (!pcm) continue;
    std::ifstream text(std::filesystem::path(path).replace_extension(".txt"));
    clips.push_back({path.stem().string(), *pcm, std::string(std::istreambuf_iterator<char>(text), {})});
  }
  const std::size_t single = clips.size();
  for (std::size_t i = 0; i < single; ++i) {  // neighbours, without a pause
    const Clip& next = clips[(i + 1) % single];
    Clip joined = clips[i];
    joined.name += "+" + next.name.substr(next.name.size() - std::min<std::size_t>(4, next.name.size()));
    joined.pcm.samples.insert(joined.pcm.samples.end(), next.pcm.samples.begin(), next.pcm.samples.end());
    joined.truth = clips[i].truth.empty() || next.truth.empty() ? "" : clips[i].truth + " " + next.truth;
    clips.push_back(std::move(joined));
  }
  for (std::size_t i = 0; i < single; ++i) {  // cuts, as if somebody stopped in the middle
    for (const double from : {0.0, 0.21, 0.37}) {
      for (const double to : {0.62, 0.83, 1.0}) {
        if (from == 0.0 && to == 1.0) continue;
        const auto size = static_cast<double>(clips[i].pcm.samples.size());
        Clip cut;
        cut.name = clips[i].name + "/" + std::to_string(static_cast<int>(from * 100)) + "-" +
                   std::to_string(static_cast<int>(to * 100));
        cut.pcm.samples.assign(clips[i].pcm.samples.begin() + static_cast<std::ptrdiff_t>(from * size),
                               clips[i].pcm.samples.begin() + static_cast<std::ptrdiff_t>(to * size));
        clips.push_back(std::move(cut));
      }
    }
  }
  {
    Clip all{"all", {}, ""};
    for (std::size_t i = 0; i < single; ++i)
      all.pcm.samples.insert(all.pcm.samples.end(), clips[i].pcm.samples.begin(), clips[i].pcm.samples.end());
    clips.push_back(std::move(all));
  }
  Totals totals;
  for (const Clip& clip : clips) {
    if (only == nullptr || clip.name.find(only) != std::string::npos)
      stream(**stt, clip, every, totals, only != nullptr);
  }
  const auto percent = [](std::size_t part, std::size_t all) {
    return all == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
  };
  std::printf("against the whole pass: final %.2f %%, pause %.2f %% of %zu words\n",
              percent(totals.stream_errors, totals.words), percent(totals.pause_errors, totals.words), totals.words);
  std::printf("against the written text: streamed %.2f %%, whole %.2f %% of %zu words\n",
              percent(totals.truth_stream, totals.truth_words), percent(totals.truth_whole, totals.truth_words),
              totals.truth_words);
  std::printf(
      "pause p50 %.0f p95 %.0f ms, final p50 %.0f p95 %.0f ms (checked %zu), partial p50 %.0f p95 %.0f ms, whole p50 "
      "%.0f p95 %.0f ms; "
      "stable text taken back %zu times\n",
      rank(totals.pause_ms, 0.5), rank(totals.pause_ms, 0.95), rank(totals.final_ms, 0.5), rank(totals.final_ms, 0.95),
      totals.checked, rank(totals.partial_ms, 0.5), rank(totals.partial_ms, 0.95), rank(totals.whole_ms, 0.5),
      rank(totals.whole_ms, 0.95), totals.broken_promises);
  return totals.broken_promises == 0 ? 0 : 1;
}
