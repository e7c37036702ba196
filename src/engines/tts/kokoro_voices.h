// The voices in Kokoro's folder: one file of style rows each. Private to tts/.
#pragma once

#include "base/result.h"
#include "engines/tts/tts_engine.h"

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace morgan::engines {

/// One voice's style for every length of text.
class KokoroStyle {
 public:
  static constexpr std::size_t kRows = 510;
  static constexpr std::size_t kWidth = 256;

  /// @error kCorrupt  not 510 x 256 finite numbers   @error kNotFound
  static Result<std::shared_ptr<const KokoroStyle>> load(const std::filesystem::path& file);

  /// The row for a text of `tokens` symbols.
  std::vector<float> row_for(std::size_t tokens) const;

 private:
  std::vector<float> values_;
};

/// @thread any
class KokoroVoices {
 public:
  /// Lists the English voices (af_, am_, bf_, bm_) by their names; others are passed over, and so, with a line
  /// in the log, are files of a wrong size.
  /// @error kNotFound  no folder, no voice in it, or not the default one   @error kCorrupt  the default one
  static Result<std::unique_ptr<KokoroVoices>> scan(const std::filesystem::path& folder,
                                                    const std::string& default_voice);

  const std::vector<Voice>& list() const { return list_; }
  /// Reads the file at the first use (half a megabyte each). @error kCorrupt, kNotFound
  Result<std::shared_ptr<const KokoroStyle>> style(const std::string& name);

 private:
  KokoroVoices() = default;

  std::filesystem::path folder_;
  std::vector<Voice> list_;
  std::mutex mutex_;                                                  // guards styles_
  std::map<std::string, std::shared_ptr<const KokoroStyle>> styles_;  // shared with the calls that speak
};

bool is_british(const Voice& voice);

}  // namespace morgan::engines
