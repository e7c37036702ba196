#include "text/normalize_rules.h"

#include "base/strings.h"
#include "text/abbreviations.h"
#include "text/normalize.h"
#include "text/number_words.h"
#include "text/units.h"
#include "text/word_set.h"

#include <algorithm>
#include <utility>

namespace morgan::text {
namespace {

enum class Need : std::uint8_t { kNothing, kNumber, kCapital, kOwnCapital };

/// Abbreviations that are written with a full stop, lower case; `need`: what must follow.
struct Abbreviation {
  std::string_view written;
  std::string_view words;
  Need need = Need::kNothing;
};

constexpr Abbreviation kAbbreviations[] = {
    {"mr", "Mister"},
    {"mrs", "Missus"},
    {"ms", "Miz", Need::kCapital},
    {"messrs", "Messrs"},
    {"prof", "Professor"},
    {"gen", "General", Need::kCapital},
    {"sen", "Senator", Need::kCapital},
    {"rep", "Representative", Need::kCapital},
    {"gov", "Governor", Need::kCapital},
    {"capt", "Captain"},
    {"lt", "Lieutenant"},
    {"col", "Colonel", Need::kCapital},
    {"sgt", "Sergeant"},
    {"cmdr", "Commander"},
    {"rev", "Reverend", Need::kCapital},
    {"hon", "Honorable", Need::kCapital},
    {"pres", "President", Need::kCapital},
    {"mt", "Mount", Need::kCapital},
    {"ft", "Fort", Need::kCapital},
    {"vs", "versus"},
    {"etc", "et cetera"},
    {"e.g", "for example"},
    {"i.e", "that is"},
    {"approx", "approximately"},
    {"dept", "department"},
    {"univ", "university"},
    {"assn", "association"},
    {"bros", "brothers"},
    {"incl", "including"},
    {"excl", "excluding"},
    {"govt", "government"},
    {"est", "established", Need::kNumber},
    {"tel", "telephone"},
    {"cf", "compare"},
    {"ca", "circa", Need::kNumber},
    {"viz", "namely"},
    {"resp", "respectively"},
    {"no", "number", Need::kNumber},
    {"nos", "numbers", Need::kNumber},
    {"fig", "figure", Need::kNumber},
    {"figs", "figures", Need::kNumber},
    {"vol", "volume", Need::kNumber},
    {"vols", "volumes", Need::kNumber},
    {"pp", "pages", Need::kNumber},
    {"p", "page", Need::kNumber},
    {"pg", "page", Need::kNumber},
    {"ch", "chapter", Need::kNumber},
    {"sec", "section", Need::kNumber},
    {"art", "article", Need::kNumber},
    {"eq", "equation", Need::kNumber},
    {"ext", "extension", Need::kNumber},
    {"ver", "version", Need::kNumber},
    {"inc", "Incorporated"},
    {"ltd", "Limited"},
    {"co", "Company"},
    {"corp", "Corporation"},
    {"jr", "Junior"},
    {"sr", "Senior"},
    {"ave", "Avenue"},
    {"blvd", "Boulevard"},
    {"rd", "Road"},
    {"bldg", "Building"},
    {"esq", "Esquire"},
    {"misc", "miscellaneous"},
    {"temp", "temperature", Need::kNumber},
    {"max", "maximum", Need::kNumber},
    {"min", "minimum", Need::kNumber},
    {"avg", "average"},
    {"jan", "January"},
    {"feb", "February"},
    {"sept", "September"},
    {"oct", "October"},
    {"nov", "November"},
    {"dec", "December"},
    {"aug", "August"},
    {"mon", "Monday", Need::kOwnCapital},
    {"tue", "Tuesday", Need::kOwnCapital},
    {"tues", "Tuesday", Need::kOwnCapital},
    {"wed", "Wednesday", Need::kOwnCapital},
    {"thu", "Thursday", Need::kOwnCapital},
    {"thurs", "Thursday", Need::kOwnCapital},
    {"fri", "Friday", Need::kOwnCapital},
};

/// Said without a full stop as well.
constexpr std::pair<std::string_view, std::string_view> kWithoutStop[] = {{"vs", "versus"},
                                                                          {"etc", "et cetera"},
                                                                          {"Mr", "Mister"},
                                                                          {"Mrs", "Missus"},
                                                                          {"Dr", "Doctor"},
                                                                          {"PhD", "P H D"},
                                                                          {"ETA", "estimated time of arrival"},
                                                                          {"AKA", "also known as"},
                                                                          {"aka", "also known as"},
                                                                          {"approx", "approximately"},
                                                                          {"dept", "department"},
                                                                          {"Jr", "Junior"},
                                                                          {"Sr", "Senior"},
                                                                          {"WiFi", "Wi-Fi"},
                                                                          {"iOS", "I O S"},
                                                                          {"macOS", "mac O S"},
                                                                          {"OpenAI", "Open A-I"},
                                                                          {"LaTeX", "Lah tek"},
                                                                          {"MySQL", "My S Q L"},
                                                                          {"PostgreSQL", "Postgres Q L"},
                                                                          {"SQLite", "S Q Lite"}};

constexpr std::string_view kSaints[] = {
    "Louis",   "John",      "Paul",     "Peter",     "Patrick", "Helens", "Helena",    "Mary",       "Petersburg",
    "Francis", "Andrew",    "Andrews",  "George",    "James",   "Joseph", "Nicholas",  "Thomas",     "Martin",
    "Lucia",   "Augustine", "Michael",  "Anthony",   "Bernard", "Kitts",  "Vincent",   "Tropez",     "Moritz",
    "Gallen",  "Albans",    "Lawrence", "Valentine", "Charles", "Cloud",  "Catherine", "Catharines", "Croix",
    "Pancras", "Ives",      "Germain",  "Jude",      "Elmo",    "Lucie",  "Stephen",   "Stephens",   "Mark",
    "Luke",    "Clair",     "Clare",    "Anne",      "Benedict"};

/// What "St." and "Dr." mean depends on their place: Saint and Doctor before a name, Street and Drive after one.
std::optional<std::string_view> street_or_person(const Scan& scan, std::string_view word, const Reader& after) {
  const bool street = word == "St";
  if (!street && word != "Dr") return std::nullopt;
  Reader ahead = after;
  ahead.accept(" ");
  const std::string_view next = is_upper(ahead.peek()) ? ahead.letters() : std::string_view();
  if (street && contains(kSaints, next)) return "Saint";
  const std::string_view before = scan.previous_word();
  const char last = before.empty() ? '\0' : before.back();
  const bool numbered = !before.empty() && is_digit(before[0]) && is_letter(last);
  const bool named = !before.empty() && is_upper(before[0]) && !scan.previous_starts_sentence();
  const bool name_follows = !next.empty() && !is_sentence_starter(next);
  if (numbered || (named && (street || !name_follows))) return street ? "Street" : "Drive";
  if (street) return name_follows ? "Saint" : "Street";
  return "Doctor";
}

/// Ph.D., U.S., a.m., J.K.
bool say_dotted(Scan& scan) {
  Reader reader = scan.reader();
  if (reader.accept("Ph.D")) {
    const bool dot = reader.accept(".");
    scan.say(dot && stop_ends_sentence(scan.text, reader.position() - 1) ? "P H D." : "P H D", reader.position());
    return true;
  }
  std::string letters;
  while (is_letter(reader.peek()) && reader.peek(1) == '.') {
    letters += reader.peek();
    reader.move_to(reader.position() + 2);
  }
  if (letters.size() < 2) return false;
  const bool open = is_letter(reader.peek());  // "U.S" without its last stop
  if (open && letters.size() >= 1) {
    letters += reader.peek();
    reader.move_to(reader.position() + 1);
  }
  if (!reader.at_word_end()) return false;
  const std::string lower = to_lower_ascii(letters);
  std::string words = spell_letters(letters);
  if (lower == "eg") words = "for example";
  if (lower == "ie") words = "that is";
  if (lower == "am" || lower == "pm") words = lower == "am" ? "AM" : "PM";
  const bool sentence = !open && lower != "eg" && lower != "ie" && stop_ends_sentence(scan.text, reader.position() - 1);
  scan.say(words + (sentence ? "." : ""), reader.position());
  return true;
}

/// "page no. 5" is a number, "oh no. 5 people" is not.
bool names_numbered_thing(std::string_view word) {
  static constexpr std::string_view kThings[] = {
      "page",   "room", "item",    "order", "model", "part", "serial", "phone",    "account",  "ticket",
      "flight", "case", "invoice", "track", "house", "bus",  "train",  "platform", "reference"};
  return contains(kThings, to_lower_ascii(word));
}

bool say_abbreviation(Scan& scan, std::string_view word, std::size_t end) {
  const bool stop = end < scan.text.size() && scan.text[end] == '.';
  if (!stop) {
    for (const auto& [written, words] : kWithoutStop) {
      if (word != written) continue;
      scan.say(words, end);
      return true;
    }
    return false;
  }
  Reader after(scan.text, end + 1);
  if (!after.at_word_end()) return false;
  const bool ends = stop_ends_sentence(scan.text, end);
  if (const auto words = street_or_person(scan, word, after)) {
    scan.say(std::string(*words) + (ends && *words != "Doctor" && *words != "Saint" ? "." : ""), end + 1);
    return true;
  }
  after.accept(" ");
  const std::string lower = to_lower_ascii(word);
  for (const Abbreviation& known : kAbbreviations) {
    if (known.written != lower) continue;
    if (known.need == Need::kOwnCapital && !is_upper(word[0])) return false;
    if (lower == "no" && is_lower(word[0]) && !names_numbered_thing(scan.previous_word())) return false;
    if (known.need == Need::kNumber && !is_digit(after.peek())) return false;
    if (known.need == Need::kCapital && (!is_upper(after.peek()) || !is_upper(word[0]))) return false;
    const bool never = stop_meaning(lower) == StopMeaning::kNever || known.need != Need::kNothing;
    const bool before_capital = lower == "etc" && is_upper(after.peek());
    scan.say(std::string(known.words) + ((ends && !(never && !after.rest().empty())) || before_capital ? "." : ""),
             end + 1);
    return true;
  }
  // An initial: "J. Smith" has no pause after the J.
  if (word.size() == 1 && is_upper(word[0]) && word != "I" && is_upper(after.peek()) && !ends) {
    scan.copy(end);
    scan.at = end + 1;
    return true;
  }
  return false;
}

/// GPT-4, MP3, COVID-19, v1.2.3, C++, C#: letters, then what belongs to them.
bool say_name_with_number(Scan& scan, std::string_view word, std::size_t end) {
  Reader reader(scan.text, end);
  if ((word == "C" || word == "F") && reader.accept("#")) {
    scan.say(std::string(word) + " sharp", reader.position());
    return true;
  }
  if (word == "C" && reader.accept("++")) {
    scan.say("C plus plus", reader.position());
    return true;
  }
  if ((word == "v" || word == "V") && is_digit(reader.peek())) {
    scan.say(equals_ignore_case(scan.previous_word(), "version") ? "" : "version", end);
    return true;
  }
  const bool hyphen = reader.peek() == '-' && is_digit(reader.peek(1));
  if (!hyphen && !is_digit(reader.peek())) return false;
  if (hyphen) reader.accept("-");
  Reader number = reader;
  const auto written = read_number(number);
  const bool joined_name = !hyphen && (!is_all_caps(word) && word.size() != 1);
  if (!written || !number.at_word_end() || written->whole.size() > 4 || joined_name) return false;
  const bool capitals = is_all_caps(word);
  if (!hyphen && (!capitals || word.size() > 4) && !is_upper(word[0])) return false;
  constexpr std::size_t kLongestSpelled = 3;
  const bool spell = capitals && (is_spelled(word) || word.size() < kLongestSpelled);
  if (!hyphen && capitals && !spell) return false;
  scan.say(spell ? spell_letters(word) : std::string(word), reader.position());
  return true;
}

bool say_slash_word(Scan& scan) {
  static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {{"w/o", "without"},
                                                                             {"w/", "with"},
                                                                             {"n/a", "not applicable"},
                                                                             {"N/A", "not applicable"},
                                                                             {"and/or", "and or"},
                                                                             {"TCP/IP", "T C P I P"},
                                                                             {"I/O", "I O"},
                                                                             {"A/B", "A-B"},
                                                                             {"he/she", "he or she"},
                                                                             {"she/he", "she or he"},
                                                                             {"his/her", "his or her"},
                                                                             {"him/her", "him or her"},
                                                                             {"yes/no", "yes or no"},
                                                                             {"c/o", "care of"}};
  for (const auto& [written, words] : kPairs) {
    Reader reader = scan.reader();
    if (!reader.accept(written)) continue;
    if (written != "w/" && !reader.at_word_end()) continue;
    if (written == "w/") reader.accept(" ");
    scan.say(words, reader.position());
    return true;
  }
  return false;
}

}  // namespace

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts)
    out += part;
  return out;
}

bool say_word(Scan& scan) {
  const Character first = character_at(scan.text, scan.at);
  if (!is_word_character(first.code)) return false;
  if (first.code < 0x80) {
    Reader reader = scan.reader();
    const std::string_view word = reader.letters();
    const std::size_t end = reader.position();
    const auto unit =
        equals_ignore_case(scan.previous_word(), "per") ? find_unit(scan.reader().rest(), false) : std::nullopt;
    if (unit) {
      scan.say(unit->singular, scan.at + unit->size);
      return true;
    }
    if (!word.empty()) {
      if (say_slash_word(scan) || say_dotted(scan) || say_name_with_number(scan, word, end)) return true;
      if (reader.at_word_end() &&
          (say_abbreviation(scan, word, end) || say_roman(scan, word, end) || say_acronym(scan, word, end))) {
        return true;
      }
    }
  }
  // Unknown: the whole of it as it is, with what is inside ("don't", "snake_case2").
  std::size_t end = scan.at;
  while (end < scan.text.size()) {
    const Character c = character_at(scan.text, end);
    const bool apostrophe = c.code == '\'' && end + 1 < scan.text.size() && is_letter(scan.text[end + 1]);
    if (c.size == 0 || (!is_word_character(c.code) && !apostrophe)) break;
    end += c.size;
  }
  scan.copy(end);
  return true;
}

}  // namespace morgan::text
