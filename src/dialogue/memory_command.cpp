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
  /// "it", "that" or "this" alone, or before a mark: what was said before.
  bool points_back() const {
    const std::size_t end = lower_.find_first_of(" .,!?;:");
    const bool alone = end == std::string::npos || is_mark(lower_[end]);
    const std::string_view word = std::string_view(lower_).substr(0, end);
    return alone && (word == "it" || word == "that" || word == "this");
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

/// "Hey Morgan, could you please" says nothing. @return whether it makes a request of a question
bool take_politeness(Sentence& sentence) {
  for (bool begged = false;;) {
    if (sentence.take_any({"can you", "could you", "would you", "will you", "please"})) {
      begged = true;
    } else if (!sentence.take_any({"hey", "okay", "ok", "morgan", "so", "and", "now", "also", "i want you to",
                                   "i'd like you to", "i would like you to"})) {
      return begged;
    }
  }
}

/// A fact says something of something: "my dog is called Rex", but not "my name" nor "the time we went to Rome". Only
/// those are known here that have one of these verbs; where it is not certain, the model answers.
bool says_something(std::string_view lower) {
  return has_word(words_of(lower), {"is",     "are",     "was",  "were",  "am",    "has",     "have",  "had",
                                    "can",    "can't",   "like", "likes", "love",  "loves",   "hate",  "hates",
                                    "want",   "wants",   "need", "needs", "live",  "lives",   "work",  "works",
                                    "prefer", "prefers", "will", "won't", "don't", "doesn't", "isn't", "aren't"});
}

/// What a fact begins with when "that" was left out: "remember I like tea", but not "remember when we met".
bool begins_a_fact(const Sentence& sentence) {
  const std::string_view first = sentence.lower().substr(0, sentence.lower().find(' '));
  if (first == "i'm" || first == "i've" || first == "it's" || first == "we're") return true;
  return sentence.begins_with_any({"i", "i'd", "i'll", "my", "we", "our", "the", "this", "a", "an", "he", "she", "they",
                                   "his", "her", "their"}) &&
         says_something(sentence.lower());
}

/// "Remember that movie with the dinosaurs": this "that" points at something.
bool points(const Sentence& sentence) {
  return !sentence.begins_with_any({"i",     "i'm",  "i've", "i'd", "i'll", "you", "he",    "she", "it", "it's", "we",
                                    "we're", "they", "my",   "our", "his",  "her", "their", "the", "a",  "an"}) &&
         !says_something(sentence.lower());
}

MemoryCommand forget(Sentence sentence) {
  if (sentence.is_any({"everything", "everything about me", "everything you know", "everything you know about me",
                       "all about me", "all you know about me", "all that you know about me"})) {
    return {Kind::kForgetAll};
  }
  // "Forget that, what time is it?" goes on; "forget that I asked" is a way to say never mind.
  const bool about = sentence.take("about");
  if (sentence.points_back()) return {};
  if (sentence.begins_with_any({"that i asked", "that i said", "i asked", "i said", "what i said", "what i just said",
                                "my question", "my last question", "my last"}) &&
      !sentence.begins_with_any({"that i said i", "what i said about"})) {
    return {};
  }
  // Those are the tools'.
  if (has_word(words_of(sentence.lower()),
               {"reminder", "reminders", "timer", "timers", "alarm", "alarms", "note", "notes"}))
    return {};
  if (sentence.take_any({"that", "what i said about", "what i told you about", "what you know about",
                         "everything about", "everything you know about", "the fact that"}) ||
      about || sentence.begins_with_any({"my", "our"})) {
    return sentence.empty() ? MemoryCommand{} : MemoryCommand{Kind::kForget, sentence.rest()};
  }
  return {};
}

}  // namespace

MemoryCommand parse_memory_command(std::string_view text) {
  const bool asks = trim(text).ends_with('?');
  Sentence sentence(text);
  if (sentence.is_any({"yes, forget everything", "yes forget everything", "yes, please forget everything"})) {
    return {Kind::kForgetAllForSure};
  }
  const bool begged = take_politeness(sentence);
  if (sentence.is_any({"what do you know about me", "what do you remember about me", "what do you know of me",
                       "what have you remembered about me", "what did i ask you to remember",
                       "what have i told you about me", "tell me what you know about me",
                       "tell me what you remember about me", "tell me everything you know about me"})) {
    return {Kind::kTell};
  }
  // "Remember my name?" asks.
  if (asks && !begged) return {};
  const bool not_to_forget = sentence.take_any({"don't forget", "do not forget", "never forget", "keep in mind"});
  if (not_to_forget || sentence.take("remember")) {
    const bool is_fact = sentence.take("that") ? !sentence.empty() && !points(sentence) : begins_a_fact(sentence);
    return is_fact ? MemoryCommand{Kind::kRemember, sentence.rest()} : MemoryCommand{};
  }
  if (sentence.take("forget")) return forget(std::move(sentence));
  return {};
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
