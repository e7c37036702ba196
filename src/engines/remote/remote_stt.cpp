#include "audio/media_encoder.h"
#include "base/strings.h"
#include "engines/remote/language_names.h"
#include "engines/remote/remote_client.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <utility>

namespace morgan::engines {

namespace {

/// Ten minutes are 19 MB of wav; OpenAI's limit is 25 MB.
constexpr double kWindowSeconds = 600;
/// A window ends at the quietest place within so much before its end.
constexpr double kSearchSeconds = 10;
constexpr double kFrameSeconds = 0.05;

/// Where to end the window that begins at `samples`' first.
std::size_t window_samples(audio::PcmView rest) {
  const auto of_seconds = [&](double seconds) { return static_cast<std::size_t>(seconds * rest.rate_hz); };
  const std::size_t limit = of_seconds(kWindowSeconds);
  if (rest.samples.size() <= limit) return rest.samples.size();
  const std::size_t frame = std::max<std::size_t>(1, of_seconds(kFrameSeconds));
  std::size_t best = limit;
  double quietest = -1;
  for (std::size_t at = limit - of_seconds(kSearchSeconds); at + frame <= limit; at += frame) {
    double energy = 0;
    for (const float sample : rest.samples.subspan(at, frame))
      energy += static_cast<double>(sample) * sample;
    if (quietest >= 0 && energy > quietest) continue;
    quietest = energy;
    best = at + frame / 2;
  }
  return best;
}

Json array_or_empty(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_array() ? *at : Json::array();
}

SttSegment segment_of(const Json& json, double offset) {
  SttSegment segment;
  segment.text = trim(string_or(json, "text", ""));
  segment.start_seconds = offset + number_or(json, "start", 0);
  segment.end_seconds = offset + number_or(json, "end", 0);
  segment.average_log_probability = static_cast<float>(number_or(json, "avg_logprob", 0));
  if (json.is_object() && json.contains("avg_logprob")) segment.confidence = std::exp(segment.average_log_probability);
  segment.confidence = std::clamp(segment.confidence, 0.0F, 1.0F);
  segment.no_speech_probability = static_cast<float>(number_or(json, "no_speech_prob", 0));
  segment.compression_ratio = static_cast<float>(number_or(json, "compression_ratio", 0));
  segment.temperature = static_cast<float>(number_or(json, "temperature", 0));
  if (json.is_object()) {
    for (const Json& token : array_or_empty(json, "tokens")) {
      if (token.is_number_integer()) segment.tokens.push_back(token.get<int>());
    }
  }
  return segment;
}

/// Each word goes to the last segment that begins at or before it.
void place_words(const Json& words, double offset, std::vector<SttSegment>& segments) {
  if (segments.empty()) return;
  for (const Json& json : words) {
    SttWord word;
    word.text = trim(string_or(json, "word", ""));
    word.start_seconds = offset + number_or(json, "start", 0);
    word.end_seconds = offset + number_or(json, "end", 0);
    word.probability = static_cast<float>(number_or(json, "probability", 0));
    const auto after =
        std::upper_bound(segments.begin(), segments.end(), word.start_seconds + 0.01,
                         [](double start, const SttSegment& segment) { return start < segment.start_seconds; });
    (after == segments.begin() ? after : after - 1)->words.push_back(std::move(word));
  }
}

/// Adds one window's answer to the whole.
void add_window(const Json& answer, double offset, double seconds, Transcript& whole) {
  const std::string text(trim(string_or(answer, "text", "")));
  if (whole.language.empty()) whole.language = language_code(string_or(answer, "language", ""));
  if (text.empty()) return;
  whole.text += (whole.text.empty() ? "" : " ") + text;
  std::vector<SttSegment> segments;
  for (const Json& json : array_or_empty(answer, "segments")) {
    if (json.is_object()) segments.push_back(segment_of(json, offset));
  }
  if (segments.empty()) {
    SttSegment all;
    all.text = text;
    all.start_seconds = offset;
    all.end_seconds = offset + seconds;
    segments.push_back(std::move(all));
  }
  place_words(array_or_empty(answer, "words"), offset, segments);
  std::move(segments.begin(), segments.end(), std::back_inserter(whole.segments));
}

float mean_confidence(const std::vector<SttSegment>& segments) {
  double sum = 0;
  double weight = 0;
  for (const auto& segment : segments) {
    const double seconds = std::max(0.01, segment.end_seconds - segment.start_seconds);
    sum += seconds * static_cast<double>(segment.confidence);
    weight += seconds;
  }
  return weight > 0 ? static_cast<float>(sum / weight) : 0.0F;
}

class RemoteStt final : public SttEngine {
 public:
  explicit RemoteStt(RemoteClient client) : client_(std::move(client)) {}

  Result<Transcript> transcribe(audio::PcmView pcm, const SttRequest& request, const StopToken& stop) override {
    const auto start = std::chrono::steady_clock::now();
    Transcript transcript;
    transcript.duration_seconds = pcm.seconds();
    if (!request.language.empty() && request.language != "auto") transcript.language = request.language;
    std::size_t done = 0;
    while (done < pcm.samples.size()) {
      const audio::PcmView rest(pcm.samples.subspan(done), pcm.rate_hz);
      const audio::PcmView window(rest.samples.first(window_samples(rest)), pcm.rate_hz);
      MORGAN_TRY(const Json answer, transcribe_window(window, request, stop));
      add_window(answer, static_cast<double>(done) / pcm.rate_hz, window.seconds(), transcript);
      done += window.samples.size();
      if (request.on_progress) {
        request.on_progress(static_cast<double>(done) / static_cast<double>(pcm.samples.size()));
      }
    }
    transcript.confidence = mean_confidence(transcript.segments);
    transcript.engine_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return transcript;
  }

  Result<std::vector<LanguageGuess>> detect_language(audio::PcmView, const StopToken&) override {
    return fail(ErrorCode::kUnsupported, "a remote transcription server cannot be asked for the language alone");
  }

  EngineInfo info() const override { return client_.info("stt"); }

 private:
  Result<Json> transcribe_window(audio::PcmView window, const SttRequest& request, const StopToken& stop) {
    MORGAN_TRY(const std::string wav, audio::encode_media(audio::AudioFormat::kWav, window));
    if (!only_json_) {
      MORGAN_TRY(const auto response, client_.send(post(wav, request, "verbose_json"), stop));
      // Newer models of OpenAI's know only json, and refuse the other with different words each.
      if (response.status != 400 && response.status != 422) return answer_of(response);
    }
    MORGAN_TRY(const auto response, client_.send(post(wav, request, "json"), stop));
    if (response.status == 200) only_json_ = true;
    return answer_of(response);
  }

  net::ClientRequest post(const std::string& wav, const SttRequest& request, const std::string& format) const {
    const bool translate = request.task == SttTask::kTranslate;
    net::ClientRequest post =
        client_.request(net::Method::kPost, translate ? "/audio/translations" : "/audio/transcriptions");
    const auto field = [&](const char* name, std::string value) {
      post.form.push_back({name, std::move(value), "", ""});
    };
    field("model", client_.options().model);
    field("response_format", format);
    if (!translate && !request.language.empty() && request.language != "auto") field("language", request.language);
    if (!request.prompt.empty()) field("prompt", request.prompt);
    if (request.temperature > 0) field("temperature", std::to_string(request.temperature));
    if (format == "verbose_json" && request.word_timestamps) {
      field("timestamp_granularities[]", "word");
      field("timestamp_granularities[]", "segment");
    }
    post.form.push_back({"file", wav, "audio.wav", "audio/wav"});
    return post;
  }

  Result<Json> answer_of(const net::ClientResponse& response) const {
    if (response.status < 200 || response.status > 299) return fail(client_.refusal(response));
    auto parsed = parse_json(response.body);
    if (!parsed || !parsed->is_object() || !parsed->contains("text")) return client_.not_understood("a transcription");
    return parsed;
  }

  RemoteClient client_;
  std::atomic<bool> only_json_{false};
};

}  // namespace

Result<std::unique_ptr<SttEngine>> connect_remote_stt(const RemoteOptions& options) {
  MORGAN_TRY(auto client, RemoteClient::create(options));
  std::unique_ptr<SttEngine> engine = std::make_unique<RemoteStt>(std::move(client));
  return engine;
}

}  // namespace morgan::engines
