// synthesize, and synthesize-start, -chunk, -stop: text to speech, while the text is written.
#pragma once

#include "base/json_util.h"
#include "services/wyoming/wyoming_outlet.h"
#include "services/wyoming/wyoming_parts.h"
#include "text/sentence_splitter.h"

#include <string>
#include <string_view>

namespace morgan::services {

/// `synthesize` outside of a stream. @error kInvalidArgument, kNotFound, the engine's
Result<void> speak_whole(const WyomingParts& parts, const WyomingOutlet& out, const Json& data);

/// One stream, from synthesize-start to synthesize-stop.
class TtsStream {
 public:
  /// @param parts, out  outlive it; parts.tts is there
  TtsStream(const WyomingParts& parts, const WyomingOutlet& out) : parts_(parts), out_(out), audio_(out) {}

  /// @param data  of synthesize-start   @error kNotFound  the voice
  Result<void> start(const Json& data);
  /// synthesize-chunk. Speaks what is certain to be a clause.
  Result<void> add(const Json& data);
  /// synthesize within the stream. Home Assistant sends the whole text once more in it, for servers that do not stream:
  /// it is spoken only when nothing else came.
  Result<void> add_whole(const Json& data);
  /// synthesize-stop.
  Result<void> finish();

 private:
  Result<void> add_text(std::string_view text);
  Result<void> say(const std::string& piece, bool last);

  const WyomingParts& parts_;
  const WyomingOutlet& out_;
  WyomingAudio audio_;
  std::string voice_;
  bool ssml_ = false;
  std::string ssml_text_;  // spoken at the end: a tag may be cut anywhere
  std::string whole_;      // of add_whole
  std::size_t characters_ = 0;
  bool blank_ = true;  // nothing came in chunks but blanks
  bool spoken_ = false;
  text::StreamingSplitter splitter_{{.eager = true}};
};

}  // namespace morgan::services
