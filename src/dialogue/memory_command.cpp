#include "dialogue/memory_command.h"

#include "base/strings.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>
#include <vector>

namespace morgan::dialogue {

namespace {

using Kind = MemoryCommand::Kind;

constexpr std::string_view kMarks = ".,!?;:";

bool is_mark(char c) {
  return kMarks.find(c) != std::string_view::npos;
}

/// A sentence and the same in lower case, cut from the front in step.
class Sentence {
 public:
  explicit Sentence(std::string_view text) : text_(trim(text)), lower_(to_lower_ascii(text_)) {
    while (!text_.empty() && is_mark(text_.back()))
      cut_back();
  }

  std::string_view lower() const { return lower_; }
  std::string rest() const { return std::string(trim(text_)); }
  bool empty() const { return text_.empty(); }

  /// Takes these words from the front, with the marks and blanks behind them.
  bool take(std::string_view words) {
    if (!lower_.starts_with(words)) return false;
    if (lower_.size() > words.size() && lower_[words.size()] != ' ' && !is_mark(lower_[words.size()])) return false;
    std::size_t end = words.size();
    while (end < text_.size() && (text_[end] == ' ' || is_mark(text_[end])))
      ++end;
    text_.erase(0, end);
    lower_.erase(0, end);
    return true;
  }
  bool take_any(std::initializer_list<std::string_view> choices) {
    return std::any_of(choices.begin(), choices.end(), [this](std::string_view words) { return take(words); });
  }
  bool begins_with_any(std::initializer_list<std::string_view> choices) const {
    return std::any_of(choices.begin(), choices.end(), [this](std::string_view words) {
      return lower_.starts_with(words) && (lower_.size() == words.size() || lower_[words.size()] == ' ');
    });
  }
  bool is_any(std::initializer_list<std::string_view> choices) const {
    return std::find(choices.begin(), choices.end(), lower_) != choices.end();
  }

 private:
  void cut_back() {
    text_.pop_back();
    lower_.pop_back();
  }
  std::string text_;
  std::string lower_;
};

/// "Hey Morgan, could you please" says nothing.
void take_politeness(Sentence& sentence) {
  while (sentence.take_any({"hey", "okay", "ok", "morgan", "please", "so", "and", "now", "also", "can you", "could you",
                            "would you", "will you", "i want you to", "i'd like you to", "i would like you to"})) {
  }
}

/// What a fact begins with when "that" was left out: "remember I like tea", but not "remember when we met".
bool begins_a_fact(const Sentence& sentence) {
  return sentence.begins_with_any({"i",    "i'm", "i've", "i'd", "i'll", "my",   "we",   "we're", "our", "the",
                                   "this", "a",   "an",   "he",  "she",  "they", "it's", "his",   "her", "their"});
}

MemoryCommand remember(const Sentence& sentence) {
  if (sentence.empty()) return {};
  return {Kind::kRemember, sentence.rest()};
}

MemoryCommand forget(Sentence sentence) {
  if (sentence.is_any({"everything", "everything about me", "everything you know", "everything you know about me",
                       "all about me", "all you know about me", "all that you know about me"})) {
    return {Kind::kForgetAll};
  }
  if (sentence.is_any({"it", "that", "this", "about it", "about that", "about this"})) return {};
  if (sentence.take_any({"that", "what i said about", "what i told you about", "what you know about", "about",
                         "everything about", "everything you know about", "the fact that"}) ||
      sentence.begins_with_any({"my", "our"})) {
    return sentence.empty() ? MemoryCommand{} : MemoryCommand{Kind::kForget, sentence.rest()};
  }
  return {};
}

struct Replacement {
  std::string_view from;
  std::string_view to;
};

constexpr std::array kSecondPerson{
    Replacement{"i", "you"},        Replacement{"i'm", "you're"},      Replacement{"i've", "you've"},
    Replacement{"i'd", "you'd"},    Replacement{"i'll", "you'll"},     Replacement{"me", "you"},
    Replacement{"my", "your"},      Replacement{"mine", "yours"},      Replacement{"myself", "yourself"},
    Replacement{"am", "are"},       Replacement{"you", "me"},          Replacement{"your", "my"},
    Replacement{"yours", "mine"},   Replacement{"yourself", "myself"}, Replacement{"we", "you"},
    Replacement{"we're", "you're"}, Replacement{"we've", "you've"},    Replacement{"our", "your"},
    Replacement{"ours", "yours"},   Replacement{"us", "you"}};

std::string_view second_person_of(std::string_view lower) {
  const auto found = std::find_if(kSecondPerson.begin(), kSecondPerson.end(),
                                  [&](const Replacement& each) { return each.from == lower; });
  return found == kSecondPerson.end() ? std::string_view() : found->to;
}

bool has_word(const std::vector<std::string>& words, std::initializer_list<std::string_view> wanted) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(wanted.begin(), wanted.end(), word) != wanted.end();
  });
}

std::vector<std::string> words_of(std::string_view text) {
  std::string plain = to_lower_ascii(text);
  for (char& c : plain) {
    if (is_mark(c)) c = ' ';
  }
  std::vector<std::string> words = split(plain, ' ');
  std::erase(words, "");
  return words;
}

}  // namespace

MemoryCommand parse_memory_command(std::string_view text) {
  Sentence sentence(text);
  if (sentence.is_any({"yes, forget everything", "yes forget everything", "yes, please forget everything"})) {
    return {Kind::kForgetAllForSure};
  }
  take_politeness(sentence);
  if (sentence.is_any({"what do you know about me", "what do you remember about me", "what do you know of me",
                       "what have you remembered about me", "what did i ask you to remember",
                       "what have i told you about me", "tell me what you know about me",
                       "tell me what you remember about me", "tell me everything you know about me"})) {
    return {Kind::kTell};
  }
  const bool not_to_forget = sentence.take_any({"don't forget", "do not forget", "never forget", "keep in mind"});
  if (not_to_forget || sentence.take("remember")) {
    if (sentence.take("that") || begins_a_fact(sentence)) return remember(sentence);
    return {};
  }
  if (sentence.take("forget")) return forget(std::move(sentence));
  return {};
}

std::string to_second_person(std::string_view fact) {
  std::string_view rest = trim(fact);
  while (!rest.empty() && is_mark(rest.back()))
    rest.remove_suffix(1);
  std::vector<std::string> words = split(rest, ' ');
  bool after_i = false;
  for (std::string& word : words) {
    std::size_t end = word.size();
    while (end > 0 && is_mark(word[end - 1]))
      --end;
    const std::string lower = to_lower_ascii(std::string_view(word).substr(0, end));
    std::string_view other = second_person_of(lower);
    if (after_i && lower == "was") other = "were";
    if (lower == "you" && &word == &words.front()) other = "I";
    after_i = lower == "i";
    if (!other.empty()) word = std::string(other) + word.substr(end);
  }
  return join(words, " ");
}

std::string_view category_of(std::string_view fact) {
  const std::vector<std::string> words = words_of(fact);
  if (has_word(words, {"like", "likes", "love", "loves", "prefer", "prefers", "favourite", "favorite", "hate", "hates",
                       "dislike", "enjoy"})) {
    return "preference";
  }
  if (has_word(words, {"work", "works", "job", "office", "boss", "company", "colleague"})) return "work";
  if (has_word(words, {"wife", "husband", "son", "daughter", "mother", "father", "mum", "mom", "dad", "sister",
                       "brother", "child", "children", "family", "dog", "cat", "friend"})) {
    return "family";
  }
  if (has_word(words, {"birthday", "anniversary", "appointment", "monday", "tuesday", "wednesday", "thursday", "friday",
                       "saturday", "sunday"})) {
    return "date";
  }
  if (has_word(words, {"live", "lives", "address", "street", "city", "country"})) return "place";
  return "other";
}

}  // namespace morgan::dialogue
