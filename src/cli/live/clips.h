// Recordings for the voice benchmark: those that are named, and questions spoken by Morgan's own voices when none are.
#pragma once

#include "audio/pcm.h"
#include "base/result.h"
#include "cli/command.h"
#include "cli/live/voiced.h"
#include "cli/morgan_client.h"

#include <filesystem>
#include <string>
#include <vector>

namespace morgan::cli {

struct Clip {
  std::string name;
  audio::PcmBuffer pcm;  ///< 16 kHz
  VoicedSpan voiced;
  std::string text;  ///< what is said; "": not known

  double seconds() const { return pcm.seconds(); }
};

/// @param paths  recordings of any format; a .txt beside one holds its words
/// @error kNotFound, kInvalidArgument  names the file; also one without any sound
Result<std::vector<Clip>> load_clips(const std::vector<std::filesystem::path>& paths);

/// Twenty questions of 2 to 8 s, spoken by those voices of `client` that are there and kept below
/// $MORGAN_HOME/cache/bench, so that each run plays the same.
Result<std::vector<Clip>> question_clips(const Context& context, const MorganClient& client);

/// `text` spoken by `voice`, from the same cache.
Result<Clip> spoken_clip(const Context& context, const MorganClient& client, const std::string& text,
                         const std::string& voice);

/// Up to `most` voices that are there, Kokoro's first, then others, of English. @error kUnavailable  there is none
Result<std::vector<std::string>> bench_voices(const Context& context, const MorganClient& client, std::size_t most);

}  // namespace morgan::cli
