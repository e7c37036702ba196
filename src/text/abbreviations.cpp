#include "text/abbreviations.h"

#include "base/strings.h"
#include "text/utf8.h"
#include "text/word_set.h"

#include <algorithm>
#include <string>

namespace morgan::text {
namespace {

/// "U.S", "p.m", "J.K": single letters with stops between.
bool is_dotted_letters(std::string_view word) {
  if (word.empty() || word.size() % 2 == 0) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (i % 2 == 0 ? !is_letter(word[i]) : word[i] != '.') return false;
  }
  return true;
}

}  // namespace

StopMeaning stop_meaning(std::string_view word) {
  static constexpr std::string_view kNever[] = {
      "dr",  "mr",   "mrs",    "ms",   "messrs", "prof", "gen",  "sen",  "rep",  "gov", "capt", "lt",  "col",
      "sgt", "cmdr", "rev",    "hon",  "pres",   "mt",   "ft",   "vs",   "cf",   "ca",  "viz",  "e.g", "i.e",
      "eg",  "ie",   "approx", "dept", "univ",   "assn", "bros", "incl", "excl", "est", "tel",  "al",  "resp"};
  static constexpr std::string_view kBeforeNumber[] = {"no",  "nos", "fig", "figs", "vol", "vols", "pp",  "p",   "pg",
                                                       "ch",  "sec", "art", "eq",   "ext", "ver",  "jan", "feb", "mar",
                                                       "apr", "jun", "jul", "aug",  "sep", "sept", "oct", "nov", "dec"};
  static constexpr std::string_view kUnlessStarter[] = {"inc", "ltd", "co",   "corp", "jr",   "sr",  "esq", "ph.d",
                                                        "phd", "ave", "blvd", "rd",   "bldg", "min", "max", "sq",
                                                        "oz",  "lb",  "lbs",  "govt", "d.c",  "st"};
  const std::string lower = to_lower_ascii(word);
  if (contains(kNever, lower)) return StopMeaning::kNever;
  if (contains(kBeforeNumber, lower)) return StopMeaning::kBeforeNumber;
  if (lower == "etc") return StopMeaning::kUnlessCapital;
  if (contains(kUnlessStarter, lower)) return StopMeaning::kUnlessStarter;
  // A lone capital is an initial; "I" ends sentences ("so do I.") and is seldom one.
  if (is_dotted_letters(word) && word != "I" && (word.size() > 1 || is_upper(word[0]))) {
    return StopMeaning::kUnlessStarter;
  }
  return StopMeaning::kSentence;
}

bool is_sentence_starter(std::string_view word) {
  static constexpr std::string_view kStarters[] = {"The",       "A",
                                                   "An",        "He",
                                                   "She",       "It",
                                                   "We",        "They",
                                                   "You",       "I",
                                                   "This",      "That",
                                                   "These",     "Those",
                                                   "There",     "Here",
                                                   "But",       "And",
                                                   "So",        "Or",
                                                   "If",        "In",
                                                   "On",        "At",
                                                   "As",        "For",
                                                   "From",      "By",
                                                   "To",        "With",
                                                   "When",      "While",
                                                   "Where",     "What",
                                                   "Who",       "Why",
                                                   "How",       "Which",
                                                   "His",       "Her",
                                                   "Its",       "Our",
                                                   "Their",     "My",
                                                   "Your",      "Yet",
                                                   "After",     "Before",
                                                   "However",   "Then",
                                                   "Also",      "Although",
                                                   "Because",   "Since",
                                                   "Once",      "Now",
                                                   "No",        "Yes",
                                                   "Not",       "Let",
                                                   "Please",    "Some",
                                                   "Many",      "Most",
                                                   "All",       "Each",
                                                   "Every",     "Both",
                                                   "Is",        "Are",
                                                   "Was",       "Were",
                                                   "Do",        "Does",
                                                   "Did",       "Can",
                                                   "Could",     "Will",
                                                   "Would",     "Should",
                                                   "Have",      "Has",
                                                   "Finally",   "First",
                                                   "Second",    "Next",
                                                   "Today",     "Yesterday",
                                                   "Tomorrow",  "Meanwhile",
                                                   "Therefore", "Moreover",
                                                   "Instead",   "Unfortunately",
                                                   "Later",     "Until",
                                                   "During"};
  const std::size_t apostrophe = word.find('\'');
  return contains(kStarters, word.substr(0, apostrophe));
}

}  // namespace morgan::text
