// Where a speaker may take a breath inside an English sentence: the words that begin a clause or a phrase, and those
// that belong to what follows them. Used by the splitter and by the planner of pieces (engines/tts).
#pragma once

#include <string>
#include <string_view>

namespace morgan::text {

/// ASCII letters of a token made small, with apostrophes inside: "(But" is "but"; "" for a token of other characters.
std::string bare_word(std::string_view token);

/// "because", "which": the best places for a breath without a mark are before these.
bool begins_clause(std::string_view bare);
/// "with", "during", "is": the second best.
bool begins_phrase(std::string_view bare);
/// "the", "of", "my", "very", "will": nothing is cut behind these.
bool leans_forward(std::string_view bare);

/// How good a place between two tokens is for a breath; marks at the end of `before` not counted.
/// @return 2 before a clause, 1 before a phrase, 0 elsewhere
int breath_between(std::string_view before, std::string_view after);

}  // namespace morgan::text
