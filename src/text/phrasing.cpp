#include "text/phrasing.h"

#include "text/utf8.h"

#include <algorithm>
#include <array>

namespace morgan::text {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Verbs among the words that begin a phrase.
bool is_verb(std::string_view bare) {
  static constexpr std::array<std::string_view, 12> kWords = {"is",  "are",  "was",   "were",  "will",   "can",
                                                              "has", "have", "would", "could", "should", "might"};
  return is_one_of(bare, kWords);
}

bool is_pronoun(std::string_view bare) {
  return bare == "it" || bare == "you" || bare == "this" || bare == "that";
}

}  // namespace

std::string bare_word(std::string_view token) {
  std::string word;
  for (const char c : token) {
    if (is_lower(c)) word += c;
    if (is_upper(c)) word += static_cast<char>(c - 'A' + 'a');
    if (c == '\'' && !word.empty()) word += c;
  }
  while (word.ends_with('\''))
    word.pop_back();
  return word;
}

bool begins_clause(std::string_view bare) {
  static constexpr std::array<std::string_view, 17> kWords = {
      "and",   "but",      "or",     "because", "so",    "which", "who",     "where", "when",
      "while", "although", "though", "unless",  "until", "if",    "whereas", "then"};
  return is_one_of(bare, kWords);
}

bool begins_phrase(std::string_view bare) {
  static constexpr std::array<std::string_view, 47> kWords = {
      "to",      "every",   "above",   "below", "near",  "across", "along", "around", "behind", "against",
      "towards", "since",   "than",    "as",    "with",  "from",   "about", "after",  "before", "between",
      "during",  "through", "without", "into",  "over",  "under",  "in",    "on",     "at",     "for",
      "by",      "is",      "are",     "was",   "were",  "will",   "can",   "has",    "have",   "that",
      "would",   "could",   "should",  "might", "using", "within", "called"};
  return is_one_of(bare, kWords);
}

bool leans_forward(std::string_view bare) {
  static constexpr std::array<std::string_view, 123> kWords = {
      // articles, determiners, possessives, numbers that count what follows
      "a", "an", "the", "this", "these", "those", "my", "your", "his", "her", "its", "our", "their", "some", "any",
      "no", "every", "each", "both", "all", "one", "two", "three", "four", "five", "ten", "many", "more", "most",
      // prepositions
      "of", "to", "in", "on", "at", "for", "by", "with", "from", "as", "into", "over", "under", "about", "after",
      "before", "between", "during", "through", "without", "near", "across", "along", "around", "behind", "against",
      "towards", "since", "than", "like", "within", "using", "called",
      // conjunctions
      "and", "or", "but", "if", "when", "while", "because", "so", "that", "which", "who", "where",
      // verbs that need another, and what stands before a word to change it
      "is", "are", "was", "were", "will", "can", "has", "have", "would", "could", "should", "might", "be", "been",
      "had", "may", "must", "do", "does", "did", "don't", "doesn't", "didn't", "can't", "won't", "not", "very", "too",
      // who does what follows; "you" and "it" may also end a phrase
      "i", "we", "he", "she", "they", "there", "what", "how", "why", "let's", "i'm", "it's", "you're", "we're",
      "they're", "i'll", "we'll", "you'll", "i've", "that's", "here's"};
  return is_one_of(bare, kWords);
}

int breath_between(std::string_view before, std::string_view after) {
  if (leans_forward(bare_word(before))) return 0;
  const std::string next = bare_word(after);
  if (is_verb(next) && is_pronoun(bare_word(before))) return 0;
  if (begins_clause(next)) return 2;
  return begins_phrase(next) ? 1 : 0;
}

}  // namespace morgan::text
