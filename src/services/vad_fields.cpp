#include "services/vad_fields.h"
#include "base/time_text.h"

#include <cmath>

namespace morgan::services {

namespace {

constexpr double kMaxMs = 600'000;

// One duration under its four names.
struct DurationField {
  std::string_view seconds;
  std::string_view vad_seconds;
  std::string_view milliseconds;
  std::string_view vad_milliseconds;
  int engines::SegmenterOptions::* target;
};

constexpr std::array kDurations = {
    DurationField{"min_speech_duration", "vad_min_speech_duration", "min_speech_ms", "vad_min_speech_ms",
                  &engines::SegmenterOptions::min_speech_ms},
    DurationField{"min_silence_duration", "vad_min_silence_duration", "min_silence_ms", "vad_min_silence_ms",
                  &engines::SegmenterOptions::min_silence_ms},
    DurationField{"speech_pad", "vad_speech_pad", "pad_ms", "vad_pad_ms", &engines::SegmenterOptions::pad_ms},
    DurationField{"max_speech_duration", "vad_max_speech_duration", "max_speech_ms", "vad_max_speech_ms",
                  &engines::SegmenterOptions::max_speech_ms},
};

}  // namespace

bool names_segmenter_options(const Fields& fields) {
  if (fields.has("threshold") || fields.has("vad_threshold")) return true;
  return std::any_of(kDurations.begin(), kDurations.end(), [&](const DurationField& field) {
    return fields.has(field.seconds) || fields.has(field.vad_seconds) || fields.has(field.milliseconds) ||
           fields.has(field.vad_milliseconds);
  });
}

Result<engines::SegmenterOptions> read_segmenter_options(const Fields& fields) {
  engines::SegmenterOptions options;
  const std::string_view threshold_name = fields.present({"threshold", "vad_threshold"});
  MORGAN_TRY(const auto threshold, fields.number(threshold_name, {0, 1}));
  if (threshold) options.threshold = static_cast<float>(*threshold);
  for (const DurationField& field : kDurations) {
    MORGAN_TRY(const auto seconds,
               fields.number(fields.present({field.seconds, field.vad_seconds}), {0, kMaxMs / kMsPerSecond}));
    MORGAN_TRY(const auto ms, fields.number(fields.present({field.milliseconds, field.vad_milliseconds}), {0, kMaxMs}));
    if (seconds) options.*field.target = static_cast<int>(std::lround(*seconds * kMsPerSecond));
    if (ms) options.*field.target = static_cast<int>(std::lround(*ms));
  }
  MORGAN_CHECK_OK(options.check());
  return options;
}

}  // namespace morgan::services
