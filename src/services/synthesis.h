// One synthesis as the HTTP routes ask for it: fields checked, then whole or streamed.
#pragma once

#include "audio/media_encoder.h"
#include "audio/pcm.h"
#include "engines/tts/tts_engine.h"
#include "services/api_routes.h"
#include "services/fields.h"
#include "services/piece_stream.h"
#include "services/service.h"
#include "stores/cache/speech_cache.h"

#include <string>

namespace morgan::services {

struct SynthesisCall {
  engines::TtsRequest request;
  engines::Voice voice;
  audio::AudioFormat format = audio::AudioFormat::kWav;
  int sample_rate_hz = 0;                ///< of the answer; 0: the voice's own
  std::string model;                     ///< that speaks, for metadata
  stores::SpeechCache* cache = nullptr;  ///< where finished speech is kept; null: nowhere
  bool from_cache = true;                ///< false: speak anew, whatever is kept
};

/// What differs between Morgan's and OpenAI's form.
struct SynthesisForm {
  std::string_view text_field = "text";
  audio::AudioFormat default_format = audio::AudioFormat::kWav;
};

/// Obeys the request's Cache-Control: no-cache speaks anew, no-store keeps nothing either.
void obey_cache_control(const net::Request& request, SynthesisCall& call);

/// Adds a route that speaks: what the speech cache gave is given again from memory (ready_answers.h).
void add_speaking_route(ApiRoutes& routes, const std::string& path, RouteDoc doc, ApiRoutes::Handler handler);

/// Checks everything that can be checked before speaking. @error kInvalidArgument, kNotFound with `param`
Result<SynthesisCall> read_synthesis(const Fields& fields, const ServiceContext& context, engines::TtsEngine& tts,
                                     const SynthesisForm& form);

/// @error kInvalidArgument  nothing in the text can be spoken; else the engine's
Result<audio::PcmBuffer> synthesize_whole(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop);
Result<net::Response> speech_file_response(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop);

/// Answers with the first sound; the engine outlives the response.
Result<net::Response> speech_stream_response(engines::TtsEngine& tts, SynthesisCall call, const StopToken& stop);

/// Speech encoded piece by piece into `sink`; what speech_stream_response streams.
Result<void> produce_speech(engines::TtsEngine& tts, const SynthesisCall& call, const StopToken& stop,
                            const PieceStream::Sink& sink);

/// Rate of the file that this call makes, Hz.
int answer_rate(const SynthesisCall& call);

}  // namespace morgan::services
