// What llama.cpp answers, as OpenAI's clients insist on it: fields that must be there although they say nothing, and
// ids that begin as theirs do.
#pragma once

#include <string>
#include <string_view>

namespace morgan::engines {

/// An id of a call that begins with kCallPrefix; a new one for "".
std::string client_call_id(std::string_view id);

/// A chat.completion with refusal and logprobs in each choice, and no content beside calls without words.
std::string openai_completion(std::string body);

/// Events of a stream: the first says role and an empty content, and a call begins with its id and empty arguments.
std::string openai_events(std::string_view events);

}  // namespace morgan::engines
