#include "text/normalize.h"
#include "text/normalize_rules.h"
#include "text/number_words.h"
#include "text/word_set.h"

#include <algorithm>

namespace morgan::text {
namespace {

/// Spelled although they hold vowels.
constexpr std::string_view kSpelled[] = {
    "USA", "US",   "UK",  "EU",   "UN",  "UAE",  "API",  "CPU", "GPU",  "TPU",  "URL", "URI",  "AI",  "IO",
    "UI",  "UX",   "IP",  "OS",   "CEO", "CFO",  "CTO",  "COO", "CIO",  "CIA",  "FBI", "IBM",  "ATM", "FAQ",
    "DIY", "VIP",  "IQ",  "EV",   "DNA", "RNA",  "UFO",  "USB", "IDE",  "AWS",  "AMD", "SUV",  "NBA", "MBA",
    "BA",  "MA",   "HR",  "IT",   "ID",  "IPO",  "IRS",  "EPA", "FDA",  "NSA",  "DEA", "FAA",  "EST", "EDT",
    "UTC", "CET",  "AD",  "BCE",  "CE",  "RSVP", "ISBN", "ISO", "IEEE", "ACLU", "AAA", "ASL",  "ESL", "IV",
    "ICU", "ER",   "OCR", "TTS",  "STT", "ASR",  "VAD",  "LLM", "SDK",  "CLI",  "GUI", "SSD",  "RGB", "LED",
    "LCD", "OLED", "DVD", "CEST", "AC",  "DC",   "IOT",  "AR",  "VR",   "UAV",  "USD", "EUR",  "IMF", "ECB",
    "BBC", "ABC",  "NYC", "LA",   "SAT", "GPA",  "EMS",  "EMT", "IUD",  "OECD", "ILO", "IETF", "UDP"};

/// Words in capitals that the list or the missing vowel would spell.
constexpr std::string_view kNeverSpelled[] = {"MR",   "MRS", "DR",  "ST", "HMM", "SHH",
                                              "PSST", "BRR", "NTH", "VS", "AM",  "PM"};

bool has_vowel(std::string_view word) {
  return word.find_first_of("AEIOUY") != std::string_view::npos;
}

/// In "JOIN US NOW" nothing is an acronym of the list that is also a word.
bool stands_among_capitals(const Scan& scan, std::size_t end) {
  static constexpr std::string_view kAlsoWords[] = {"US", "IT", "AD", "LA", "MA", "BA", "ID", "SAT", "AC", "ER", "LED"};
  if (!contains(kAlsoWords, scan.text.substr(scan.at, end - scan.at))) return false;
  Reader after(scan.text, end);
  const std::string_view next = after.accept(" ") ? after.letters() : std::string_view();
  const std::string_view previous = scan.previous_word();
  const auto shouted = [](std::string_view word) {
    return is_all_caps(word) && has_vowel(word) && !contains(kSpelled, word);
  };
  return shouted(next) || shouted(previous);
}

int roman_value(std::string_view word) {
  static constexpr std::string_view kNumerals[] = {"I",   "II", "III", "IV",   "V",     "VI",   "VII", "VIII", "IX",
                                                   "X",   "XI", "XII", "XIII", "XIV",   "XV",   "XVI", "XVII", "XVIII",
                                                   "XIX", "XX", "XXI", "XXII", "XXIII", "XXIV", "XXV"};
  const auto* found = std::find(std::begin(kNumerals), std::end(kNumerals), word);
  return found == std::end(kNumerals) ? 0 : static_cast<int>(found - std::begin(kNumerals)) + 1;
}

}  // namespace

bool is_all_caps(std::string_view word) {
  return word.size() > 1 && std::all_of(word.begin(), word.end(), is_upper);
}

bool is_spelled(std::string_view letters) {
  return contains(kSpelled, letters) || !has_vowel(letters);
}

std::string spell_letters(std::string_view letters) {
  std::string out;
  for (const char c : letters) {
    const char letter = is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    const bool after_a = out.ends_with('A');
    if (!out.empty()) out += after_a ? '-' : ' ';
    if (is_digit(c)) {
      out += digits_to_words(std::string_view(&c, 1));
    } else {
      out += letter;
    }
  }
  // eSpeak NG reads a lone A as the article ("uh") unless another letter hangs on it, as in "A-P I"; at the
  // end nothing does, and there it spells a whole group in capitals ("USA") by itself.
  if (letters.size() > 1 && out.ends_with('A')) {
    std::erase_if(out, [](char c) { return c == ' ' || c == '-'; });
  }
  return out;
}

bool say_acronym(Scan& scan, std::string_view word, std::size_t end) {
  const bool plural = word.size() > 2 && word.back() == 's' && is_all_caps(word.substr(0, word.size() - 1));
  const std::string_view core = plural ? word.substr(0, word.size() - 1) : word;
  constexpr std::size_t kLongestVowelless = 6;
  if (!is_all_caps(core) || contains(kNeverSpelled, core)) return false;
  const bool spelled = contains(kSpelled, core) || (!has_vowel(core) && core.size() <= kLongestVowelless);
  if (!spelled || stands_among_capitals(scan, end)) return false;
  scan.say(spell_letters(core) + (plural ? (core.back() == 'A' ? "s" : "'s") : ""), end);
  return true;
}

/// "Chapter IV" -> four, "Henry VIII" -> the eighth; only after words that such numerals follow.
bool say_roman(Scan& scan, std::string_view word, std::size_t end) {
  const int value = roman_value(word);
  if (value == 0) return false;
  static constexpr std::string_view kNumbered[] = {
      "Chapter",  "chapter", "Part",  "part",  "Volume", "Book",  "Act",   "act",     "Scene",  "scene",   "Section",
      "Appendix", "War",     "Phase", "phase", "Type",   "type",  "Class", "Level",   "level",  "Article", "Stage",
      "stage",    "Bowl",    "Rocky", "Title", "Figure", "Table", "Grade", "Episode", "Apollo", "Mark"};
  static constexpr std::string_view kMonarchs[] = {
      "Henry",   "George",    "Louis",    "Elizabeth", "Charles",  "James",     "Edward",   "William",
      "Richard", "Philip",    "Napoleon", "John",      "Paul",     "Pius",      "Benedict", "Gregory",
      "Leo",     "Alexander", "Nicholas", "Catherine", "Peter",    "Frederick", "Francis",  "Ferdinand",
      "Mary",    "Innocent",  "Clement",  "Urban",     "Ramses",   "Gustav",    "Carl",     "Margrethe",
      "Victor",  "Umberto",   "Otto",     "Wilhelm",   "Boniface", "Sixtus"};
  static constexpr std::string_view kTitles[] = {"King", "Queen", "Pope",   "Emperor", "Empress",
                                                 "Tsar", "Czar",  "Prince", "Kaiser"};
  const std::string_view before = scan.previous_word();
  const bool titled = contains(kTitles, scan.previous_word(1));
  if (contains(kNumbered, before)) {
    scan.say(number_to_words(value), end);
  } else if ((value > 1 && contains(kMonarchs, before)) || (titled && !before.empty() && is_upper(before[0]))) {
    scan.say(concat({"the ", ordinal_to_words(value)}), end);
  } else {
    return false;
  }
  return true;
}

}  // namespace morgan::text
