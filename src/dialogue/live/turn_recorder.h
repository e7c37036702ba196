// Keeps spoken turns on disk, when live.record_turns says so, for `morgan replay`: the user's audio as NAME.wav, and
// what became of it as NAME.json. Nothing waits for the disk, and a turn that cannot be kept is only logged.
#pragma once

#include "base/json_util.h"
#include "runtime/blocking_pool.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace morgan::dialogue::live {

/// @thread any
class TurnRecorder {
 public:
  /// Turns that are kept; the oldest go first.
  static constexpr std::size_t kKept = 500;

  /// @param folder  made when the first turn is kept, readable by its owner only   @param pool  outlives the recorder's
  /// users; what it has taken is finished without the recorder
  TurnRecorder(std::filesystem::path folder, runtime::BlockingPool& pool, std::size_t kept = kKept);

  /// @param utterance  16 kHz mono   @return the name of the recording, of random letters; "" when it is not kept
  std::string keep_audio(std::span<const float> utterance);
  /// Beside the audio of that name. A second one takes the place of the first.
  void keep_turn(const std::string& name, const OrderedJson& turn);

 private:
  struct Folder;
  std::shared_ptr<Folder> folder_;  // shared with what is being written
  runtime::BlockingPool& pool_;
};

/// Deletes the turns of a user that were recorded into the folder. Blocks. @return how many there were
long long erase_turns(const std::filesystem::path& folder, const std::string& user_id);

}  // namespace morgan::dialogue::live
