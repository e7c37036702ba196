#include "services/transcript_format.h"

#include "base/strings.h"
#include "base/time_text.h"
#include "services/fields.h"
#include "services/json_format.h"

#include <cmath>
#include <cstdio>

namespace morgan::services {

namespace {

constexpr long long kMsPerMinute = 60 * kMsPerSecond;
constexpr long long kMsPerHour = 60 * kMsPerMinute;

// "01:02:03,456"; hours grow beyond two digits when they must.
std::string cue_time(double seconds, char point) {
  const long long ms = std::max(0LL, std::llround(seconds * static_cast<double>(kMsPerSecond)));
  std::array<char, 40> text{};
  const int length =
      std::snprintf(text.data(), text.size(), "%02lld:%02lld:%02lld%c%03lld", ms / kMsPerHour,
                    ms % kMsPerHour / kMsPerMinute, ms % kMsPerMinute / kMsPerSecond, point, ms % kMsPerSecond);
  return {text.data(), static_cast<std::size_t>(length)};
}

// A cue ends at its first empty line, so text must have none.
std::string one_block(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    const bool newline = c == '\n' || c == '\r';
    if (newline && !out.empty() && out.back() == '\n') continue;
    out += newline ? '\n' : c;
  }
  return out;
}

std::string escape_vtt(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

OrderedJson word_json(const engines::SttWord& word) {
  return OrderedJson{{"word", word.text}, {"start", rounded(word.start_seconds)}, {"end", rounded(word.end_seconds)}};
}

OrderedJson openai_segment(const engines::SttSegment& segment, std::size_t index) {
  return OrderedJson{{"id", index},
                     {"seek", 0},
                     {"start", rounded(segment.start_seconds)},
                     {"end", rounded(segment.end_seconds)},
                     {"text", segment.text},
                     {"tokens", segment.tokens},
                     {"temperature", rounded(segment.temperature)},
                     {"avg_logprob", rounded(segment.average_log_probability)},
                     {"compression_ratio", rounded(segment.compression_ratio)},
                     {"no_speech_prob", rounded(segment.no_speech_probability)}};
}

}  // namespace

std::optional<TranscriptFormat> parse_transcript_format(std::string_view name) {
  const std::string lower = to_lower_ascii(name);
  if (lower == "json") return TranscriptFormat::kJson;
  if (lower == "verbose_json") return TranscriptFormat::kVerboseJson;
  if (lower == "text" || lower == "txt") return TranscriptFormat::kText;
  if (lower == "srt") return TranscriptFormat::kSrt;
  if (lower == "vtt") return TranscriptFormat::kVtt;
  return std::nullopt;
}

std::string_view content_type(TranscriptFormat format) {
  switch (format) {
    case TranscriptFormat::kText:
      return "text/plain; charset=utf-8";
    case TranscriptFormat::kSrt:
      return "application/x-subrip; charset=utf-8";
    case TranscriptFormat::kVtt:
      return "text/vtt; charset=utf-8";
    case TranscriptFormat::kJson:
    case TranscriptFormat::kVerboseJson:
      break;
  }
  return "application/json";
}

std::string to_plain_text(const engines::Transcript& transcript) {
  return std::string(trim(transcript.text)) + "\n";
}

std::string to_srt(const engines::Transcript& transcript) {
  std::string out;
  int number = 0;
  for (const engines::SttSegment& segment : transcript.segments) {
    const std::string text = one_block(segment.text);
    if (text.empty()) continue;
    out += std::to_string(++number) + "\n" + cue_time(segment.start_seconds, ',') + " --> " +
           cue_time(segment.end_seconds, ',') + "\n" + text + "\n\n";
  }
  return out;
}

std::string to_vtt(const engines::Transcript& transcript) {
  std::string out = "WEBVTT\n\n";
  for (const engines::SttSegment& segment : transcript.segments) {
    const std::string text = one_block(segment.text);
    if (text.empty()) continue;
    out += cue_time(segment.start_seconds, '.') + " --> " + cue_time(segment.end_seconds, '.') + "\n" +
           escape_vtt(text) + "\n\n";
  }
  return out;
}

OrderedJson to_openai_json(const engines::Transcript& transcript) {
  return OrderedJson{{"text", transcript.text},
                     {"usage", {{"type", "duration"}, {"seconds", std::ceil(transcript.duration_seconds)}}}};
}

OrderedJson to_openai_verbose_json(const engines::Transcript& transcript, engines::SttTask task,
                                   Granularity granularity) {
  OrderedJson body{{"task", task == engines::SttTask::kTranslate ? "translate" : "transcribe"},
                   {"language", language_name(transcript.language)},
                   {"duration", rounded(transcript.duration_seconds)},
                   {"text", transcript.text}};
  if (granularity.words) {
    body["words"] = OrderedJson::array();
    for (const auto& segment : transcript.segments) {
      for (const auto& word : segment.words)
        body["words"].push_back(word_json(word));
    }
  }
  if (granularity.segments) {
    body["segments"] = OrderedJson::array();
    for (const auto& segment : transcript.segments) {
      body["segments"].push_back(openai_segment(segment, body["segments"].size()));
    }
  }
  body["usage"] = to_openai_json(transcript)["usage"];
  return body;
}

OrderedJson to_morgan_json(const engines::Transcript& transcript) {
  OrderedJson segments = OrderedJson::array();
  for (const auto& segment : transcript.segments) {
    OrderedJson entry{{"id", segments.size()},
                      {"start", rounded(segment.start_seconds)},
                      {"end", rounded(segment.end_seconds)},
                      {"text", std::string(trim(segment.text))},
                      {"confidence", rounded(segment.confidence)}};
    if (!segment.words.empty()) {
      entry["words"] = OrderedJson::array();
      for (const auto& word : segment.words) {
        OrderedJson described = word_json(word);
        described["confidence"] = rounded(word.probability);
        entry["words"].push_back(std::move(described));
      }
    }
    segments.push_back(std::move(entry));
  }
  return OrderedJson{{"text", transcript.text},
                     {"language", transcript.language},
                     {"language_probability", rounded(transcript.language_probability)},
                     {"confidence", rounded(transcript.confidence)},
                     {"duration", rounded(transcript.duration_seconds)},
                     {"segments", std::move(segments)}};
}

}  // namespace morgan::services
