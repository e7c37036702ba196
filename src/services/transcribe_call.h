// One transcription as the HTTP routes ask for it: fields and audio read and checked, run, formatted.
#pragma once

#include "audio/pcm.h"
#include "audio/sample_budget.h"
#include "engines/stt/stt_engine.h"
#include "services/fields.h"
#include "services/service.h"
#include "services/transcript_format.h"

namespace morgan::services {

struct TranscribeCall {
  engines::SttRequest request;
  audio::PcmBuffer pcm;
  audio::SampleLease lease;  ///< of pcm
  TranscriptFormat format = TranscriptFormat::kJson;
  Granularity granularity;
  double decode_seconds = 0;  ///< it took to decode the audio
};

/// Reads the fields that both forms share, and then the audio. @param fields of `request`
/// @param fixed_task nullopt: field `task` decides
/// @error kInvalidArgument, kTooLarge, kNotFound (model) with `param`
Result<TranscribeCall> read_transcribe_call(const net::Request& request, const Fields& fields,
                                            const ServiceContext& context, engines::SttEngine& stt,
                                            std::optional<engines::SttTask> fixed_task);

Result<engines::Transcript> run_transcribe_call(engines::SttEngine& stt, const TranscribeCall& call,
                                                const StopToken& stop);

/// Text, SRT or WebVTT as asked; nullopt for the JSON formats, which differ per form.
std::optional<net::Response> text_transcript_response(const engines::Transcript& transcript, TranscriptFormat format);

}  // namespace morgan::services
