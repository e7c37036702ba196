#include "tools/request_router.h"

#include <algorithm>
#include <array>
#include <utility>

namespace morgan::tools {

namespace {

/// Nobody commands in longer sentences, and matching must stay cheap.
constexpr std::size_t kMostWords = 40;

}  // namespace

bool is_name(SpokenWords words) {
  static constexpr std::array<std::string_view, 86> kNoNames{
      "a",      "an",     "the",    "my",    "our",    "your",    "his",     "her",      "this",   "that",   "there",
      "any",    "some",   "no",     "not",   "don't",  "never",   "i",       "i'm",      "i've",   "you",    "he",
      "she",    "it",     "we",     "they",  "me",     "us",      "someone", "somebody", "who",    "what",   "when",
      "why",    "how",    "where",  "which", "is",     "isn't",   "are",     "was",      "were",   "be",     "been",
      "am",     "do",     "does",   "did",   "didn't", "have",    "has",     "had",      "can",    "could",  "will",
      "would",  "shall",  "should", "to",    "if",     "set",     "start",   "started",  "stop",   "cancel", "end",
      "delete", "remove", "clear",  "pause", "resume", "restart", "reset",   "extend",   "change", "add",    "make",
      "put",    "turn",   "turned", "left",  "let",    "leave",   "check",   "show",     "like"};
  return std::none_of(words.begin(), words.end(), [](const SpokenWord& word) {
    return std::find(kNoNames.begin(), kNoNames.end(), word.text) != kNoNames.end();
  });
}

SpokenWords Request::words(std::string_view slot) const {
  const auto found = values.find(slot);
  return found == values.end() ? SpokenWords() : found->second.words;
}

std::string Request::text(std::string_view slot) const {
  return said_by(said, words(slot));
}

double Request::number(std::string_view slot, double otherwise) const {
  const auto found = values.find(slot);
  return found == values.end() ? otherwise : found->second.number;
}

RequestRouter::RequestRouter() {
  add_time_rules(rules_);
  add_number_rules(rules_);
  add_thing_rules(rules_);
}

std::optional<ToolCall> RequestRouter::one(std::string_view said, SpokenWords words, cctz::civil_second now,
                                           long long* steps) const {
  for (const RequestRule& rule : rules_) {
    const auto values = rule.pattern.match(words, now, steps);
    if (!values) continue;
    if (auto arguments = rule.arguments({said, *values})) return ToolCall{rule.tool, std::move(*arguments)};
  }
  return std::nullopt;
}

std::vector<ToolCall> RequestRouter::route(std::string_view said, cctz::civil_second now, long long* steps) const {
  const std::string plain = plain_text(said);
  const std::vector<SpokenWord> all = words_of(plain);
  if (all.size() > kMostWords) return {};
  const SpokenWords words = without_padding(all);
  if (words.empty()) return {};
  if (auto call = one(plain, words, now, steps)) return {std::move(*call)};
  for (std::size_t at = 2; at + 2 < words.size(); ++at) {
    if (words[at].text != "and" && words[at].text != "then") continue;
    auto first = one(plain, without_padding(words.first(at)), now, steps);
    if (!first) continue;
    auto second = one(plain, without_padding(words.subspan(at + 1)), now, steps);
    if (second) return {std::move(*first), std::move(*second)};
  }
  return {};
}

Consent consent_of(std::string_view said) {
  static constexpr std::array<std::string_view, 22> kYes{
      "yes",     "yeah",     "yep",           "yup",          "sure",       "ok",        "okay",      "please",
      "do it",   "go ahead", "please do",     "yes do it",    "of course",  "confirm",   "confirmed", "yes please",
      "correct", "right",    "that is right", "yes go ahead", "absolutely", "sure thing"};
  static constexpr std::array<std::string_view, 14> kNo{
      "no",         "nope",      "don't",    "do not",   "cancel",       "stop",       "no thanks",
      "never mind", "nevermind", "leave it", "no don't", "no thank you", "better not", "forget it"};
  std::string words;
  for (const SpokenWord& word : words_of(plain_text(said))) {
    if (word.text == "morgan") continue;
    words += (words.empty() ? "" : " ") + word.text;
  }
  const auto is_in = [&words](const auto& list) { return std::find(list.begin(), list.end(), words) != list.end(); };
  if (is_in(kYes)) return Consent::kYes;
  return is_in(kNo) ? Consent::kNo : Consent::kNeither;
}

}  // namespace morgan::tools
