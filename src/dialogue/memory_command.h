// What a user says to Morgan about its memory: "remember that ...", "forget ...", "what do you know about me". English;
// what is not certain is none of them and goes to the language model. No state, no I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace morgan::dialogue {

struct MemoryCommand {
  enum class Kind : std::uint8_t {
    kNone,
    kRemember,          ///< content: the fact
    kForget,            ///< content: what it is about
    kForgetAll,         ///< asks first
    kForgetAllForSure,  ///< "Yes, forget everything."
    kTell,              ///< what is known of the user
  };
  Kind kind = Kind::kNone;
  std::string content = {};
};

MemoryCommand parse_memory_command(std::string_view text);

/// "preference", "work", "family", "date", "place" or "other", by the words in it.
std::string_view category_of(std::string_view fact);

}  // namespace morgan::dialogue
