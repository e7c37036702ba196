// A transcript as text, subtitles (SRT, WebVTT) or JSON (Morgan's and OpenAI's forms).
#pragma once

#include "base/json_util.h"
#include "engines/stt/stt_engine.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::services {

enum class TranscriptFormat : std::uint8_t { kJson, kVerboseJson, kText, kSrt, kVtt };

/// "json", "verbose_json", "text" (also "txt"), "srt", "vtt".
std::optional<TranscriptFormat> parse_transcript_format(std::string_view name);
/// "application/json", "text/plain; charset=utf-8", "application/x-subrip; charset=utf-8", "text/vtt; charset=utf-8".
std::string_view content_type(TranscriptFormat format);

/// Which timestamps OpenAI's verbose form carries.
struct Granularity {
  bool segments = true;
  bool words = false;
};

std::string to_plain_text(const engines::Transcript& transcript);
std::string to_srt(const engines::Transcript& transcript);
/// @source W3C WebVTT, section 4.1: markup characters escaped, no blank line inside a cue
std::string to_vtt(const engines::Transcript& transcript);
/// OpenAI's json: text and usage.
OrderedJson to_openai_json(const engines::Transcript& transcript);
OrderedJson to_openai_verbose_json(const engines::Transcript& transcript, engines::SttTask task,
                                   Granularity granularity);
/// Morgan's: text, language, confidence, duration, segments with words where there are any.
OrderedJson to_morgan_json(const engines::Transcript& transcript);

}  // namespace morgan::services
