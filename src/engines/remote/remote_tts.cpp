#include "audio/media_decoder.h"
#include "audio/pcm16.h"
#include "engines/remote/remote_client.h"
#include "engines/remote/remote_voices.h"
#include "text/normalize.h"
#include "text/sentence_splitter.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <utility>

namespace morgan::engines {

namespace {

constexpr double kMinSpeed = 0.25;
constexpr double kMaxSpeed = 4;
/// Sentences are joined up to here: a request each would cost a round trip and the melody between them.
constexpr std::size_t kMaxRequestChars = 800;
constexpr std::size_t kMagicBytes = 4;

/// Some upstreams send a file whatever format was asked for.
bool is_container(std::string_view head) {
  constexpr std::array<std::string_view, 4> kMagic{"RIFF", "OggS", "fLaC", "ID3"};
  return std::any_of(kMagic.begin(), kMagic.end(), [&](std::string_view magic) { return head.starts_with(magic); });
}

/// Bytes of PCM16, cut anywhere, to samples for a sink. A file is kept whole instead.
class PcmReceiver {
 public:
  explicit PcmReceiver(const TtsSink& sink) : sink_(sink) {}

  bool take(std::string_view bytes) {
    pending_ += bytes;
    if (!known_) {
      if (pending_.size() < kMagicBytes) return true;
      known_ = true;
      is_file_ = is_container(pending_);
    }
    return is_file_ || pass_on();
  }

  /// Once all has come.
  Result<void> finish() {
    if (!known_) is_file_ = false;
    if (!is_file_) {
      pass_on();
    } else if (!refused_) {
      MORGAN_TRY(const auto pcm, audio::decode_media(pending_, kRemotePcmRate));
      refused_ = !sink_(pcm.samples);
    }
    if (refused_) return fail(ErrorCode::kCancelled, "the synthesis was cancelled");
    return {};
  }

  void treat_as_file() { known_ = is_file_ = true; }
  bool refused() const { return refused_; }

 private:
  bool pass_on() {
    const std::size_t whole = pending_.size() / 2 * 2;
    if (refused_ || whole == 0) return !refused_;
    const auto pcm = audio::decode_pcm16(std::string_view(pending_).substr(0, whole), kRemotePcmRate);
    pending_.erase(0, whole);
    refused_ = !sink_(pcm.samples);
    return !refused_;
  }

  const TtsSink& sink_;
  std::string pending_;
  bool known_ = false;
  bool is_file_ = false;
  bool refused_ = false;
};

bool has_words(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte >= 0x80U || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
  });
}

/// The first piece alone, so that sound starts early; the others joined.
std::vector<std::string> requests_of(const std::string& text) {
  std::vector<std::string> requests;
  for (auto& piece : text::split_sentences(text::strip_markup(text))) {
    if (!has_words(piece)) continue;
    if (requests.size() < 2 || requests.back().size() + piece.size() > kMaxRequestChars) {
      requests.push_back(std::move(piece));
    } else {
      requests.back() += " " + piece;
    }
  }
  return requests;
}

class RemoteTts final : public TtsEngine {
 public:
  explicit RemoteTts(RemoteClient client) : client_(std::move(client)), voices_(client_) {}

  std::vector<Voice> voices() const override { return voices_.list(); }
  Result<Voice> find_voice(const std::string& name) const override { return voices_.find(name); }

  Result<void> synthesize(const TtsRequest& request, const TtsSink& sink, const StopToken& stop) override {
    if (!(request.speed >= kMinSpeed && request.speed <= kMaxSpeed)) {
      return fail({ErrorCode::kInvalidArgument, "speed must be within 0.25 and 4", "", "speed"});
    }
    MORGAN_TRY(const Voice voice, find_voice(request.voice));
    for (const std::string& text : requests_of(request.text)) {
      MORGAN_CHECK_OK(speak(text, voice.name, request.speed, sink, stop));
    }
    return {};
  }

  std::vector<EngineInfo> info() const override { return {client_.info("tts")}; }

 private:
  Result<void> speak(const std::string& text, const std::string& voice, double speed, const TtsSink& sink,
                     const StopToken& stop) {
    if (!no_pcm_) {
      bool refused_format = false;
      MORGAN_CHECK_OK(post(text, voice, speed, "pcm", sink, stop, refused_format));
      if (!refused_format) return {};
    }
    bool refused = false;
    MORGAN_CHECK_OK(post(text, voice, speed, "wav", sink, stop, refused));
    no_pcm_ = true;
    return {};
  }

  /// @param refused_format set when pcm was answered with 400 or 422, which then is no error
  Result<void> post(const std::string& text, const std::string& voice, double speed, const std::string& format,
                    const TtsSink& sink, const StopToken& stop, bool& refused_format) const {
    const Json body{{"model", client_.options().model},
                    {"input", text},
                    {"voice", voice},
                    {"response_format", format},
                    {"speed", speed}};
    net::ClientRequest request = client_.post_json("/audio/speech", body);
    PcmReceiver receiver(sink);
    if (format != "pcm") receiver.treat_as_file();
    request.on_body = [&](std::string_view bytes) { return receiver.take(bytes); };
    const auto response = client_.send(request, stop);
    if (receiver.refused()) return fail(ErrorCode::kCancelled, "the synthesis was cancelled");
    if (!response) return fail(response.error());
    if (format == "pcm" && (response->status == 400 || response->status == 422)) {
      refused_format = true;
      return {};
    }
    if (response->status < 200 || response->status > 299) return fail(client_.refusal(*response));
    return receiver.finish();
  }

  const RemoteClient client_;
  mutable RemoteVoices voices_;
  std::atomic<bool> no_pcm_{false};
};

}  // namespace

Result<std::unique_ptr<TtsEngine>> connect_remote_tts(const RemoteOptions& options) {
  MORGAN_TRY(auto client, RemoteClient::create(options));
  std::unique_ptr<TtsEngine> engine = std::make_unique<RemoteTts>(std::move(client));
  return engine;
}

}  // namespace morgan::engines
