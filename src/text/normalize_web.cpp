#include "text/normalize_rules.h"

#include "base/strings.h"
#include "text/number_words.h"
#include "text/word_set.h"

#include <algorithm>

namespace morgan::text {
namespace {

constexpr std::size_t kLongestAddress = 2000;
/// Endings of names that no missing blank produces ("works.in" is not here).
constexpr std::string_view kDomains[] = {"com", "org",  "net",   "io",     "ai",   "dev",  "edu", "gov", "app",
                                         "co",  "uk",   "de",    "fr",     "info", "biz",  "tv",  "eu",  "ch",
                                         "nl",  "jp",   "cn",    "ca",     "au",   "es",   "ru",  "br",  "se",
                                         "xyz", "tech", "cloud", "online", "site", "blog", "me"};
constexpr std::string_view kFiles[] = {
    "txt",  "pdf",  "jpg", "jpeg", "png", "gif", "mp3",  "wav", "mp4", "json", "py",   "js",  "ts",   "cpp", "html",
    "css",  "md",   "exe", "zip",  "csv", "xml", "yaml", "yml", "sh",  "doc",  "docx", "xls", "xlsx", "ppt", "log",
    "toml", "flac", "svg", "hpp",  "rs",  "go",  "java", "sql", "ini", "cfg",  "conf", "tar", "gz",   "so"};

bool is_address_character(char c) {
  return is_letter(c) || is_digit(c) || std::string_view("-._~:/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

/// Without the punctuation of the sentence around it.
std::string_view without_tail(std::string_view address) {
  while (!address.empty() && std::string_view(".,;:!?'\")]*").find(address.back()) != std::string_view::npos) {
    const bool bracket_pair = address.back() == ')' && address.find('(') != std::string_view::npos;
    if (bracket_pair) break;
    address.remove_suffix(1);
  }
  return address;
}

/// Short endings that are no syllable are spelled: "io" -> "I O", "pdf" -> "P D F".
std::string ending_words(std::string_view ending) {
  static constexpr std::string_view kSpoken[] = {
      "com",   "org",    "net",  "edu",  "gov", "app", "dev",  "info", "biz", "co",  "me",  "tech", "blog", "site",
      "cloud", "online", "json", "java", "zip", "log", "toml", "doc",  "go",  "gif", "tar", "conf", "ini"};
  return contains(kSpoken, ending) ? std::string(ending) : spell_letters(ending);
}

void append(std::string& out, std::string_view word) {
  if (word.empty()) return;
  if (!out.empty()) out += ' ';
  out += word;
}

std::string_view mark_word(char c) {
  switch (c) {
    case '.':
      return "dot";
    case '/':
      return "slash";
    case '-':
      return "dash";
    case '_':
      return "underscore";
    case '@':
      return "at";
    case ':':
      return "colon";
    case '?':
      return "question mark";
    case '=':
      return "equals";
    case '&':
      return "and";
    case '#':
      return "hash";
    case '+':
      return "plus";
    case '%':
      return "percent";
    case '~':
      return "tilde";
    default:
      return "";
  }
}

std::string address_words(std::string_view address) {
  std::string out;
  for (std::size_t at = 0; at < address.size();) {
    std::size_t end = at;
    while (end < address.size() && is_letter(address[end]))
      ++end;
    if (end > at) {
      const std::string_view word = address.substr(at, end - at);
      const bool after_dot = at > 0 && address[at - 1] == '.';
      const bool ends_name = end == address.size() || address[end] == '/' || address[end] == ':' || address[end] == '.';
      append(out, after_dot && ends_name && (contains(kDomains, word) || contains(kFiles, word)) ? ending_words(word)
                                                                                                 : std::string(word));
    } else {
      while (end < address.size() && is_digit(address[end]))
        ++end;
      if (end > at) {
        const std::string_view digits = address.substr(at, end - at);
        append(out, digits.size() > 4 ? digits_to_words(digits) : decimal_to_words(digits, ""));
      } else {
        append(out, mark_word(address[at]));
        end = at + 1;
      }
    }
    at = end;
  }
  return out;
}

bool is_mail_address(std::string_view word) {
  const std::size_t at = word.find('@');
  if (at == 0 || at == std::string_view::npos || word.find('@', at + 1) != std::string_view::npos) return false;
  const std::size_t dot = word.rfind('.');
  return dot != std::string_view::npos && dot > at + 1 && word.size() - dot > 2 &&
         word.find('/') == std::string_view::npos;
}

/// "example.com", "docs.example.co.uk/page", "main.cpp"
bool is_bare_name(std::string_view word) {
  const std::size_t slash = word.find('/');
  const std::string_view name = word.substr(0, std::min(slash, word.find(':')));
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == name.size()) return false;
  const bool plain = std::all_of(
      name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; });
  const bool has_letter = std::any_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot), is_letter);
  if (!plain || !has_letter || name.find("..") != std::string_view::npos) return false;
  const std::string_view ending = name.substr(dot + 1);
  return contains(kDomains, ending) || (slash == std::string_view::npos && contains(kFiles, ending));
}

}  // namespace

bool say_web_address(Scan& scan) {
  const char first = scan.text[scan.at];
  if (!is_letter(first) && !is_digit(first)) return false;
  std::size_t end = scan.at;
  bool promising = false;
  while (end < scan.text.size() && end - scan.at < kLongestAddress && is_address_character(scan.text[end])) {
    promising = promising || scan.text[end] == '.' || scan.text[end] == '@' || scan.text[end] == ':';
    ++end;
  }
  if (!promising) return false;
  const std::string_view word = without_tail(scan.text.substr(scan.at, end - scan.at));
  std::string_view address = word;
  for (const std::string_view scheme : {"https://", "http://", "ftp://", "mailto:"}) {
    if (address.starts_with(scheme)) address.remove_prefix(scheme.size());
  }
  const bool has_scheme = address.size() < word.size();
  const bool www = address.starts_with("www.") && address.size() > 5;
  if (!has_scheme && !www && !is_mail_address(address) && !is_bare_name(address)) return false;
  std::string words;
  if (www) {
    words = "w w w dot ";
    address.remove_prefix(4);
  }
  if (has_scheme && address.ends_with('/')) address.remove_suffix(1);
  if (address.empty()) return false;
  scan.say(words + address_words(address), scan.at + word.size());
  return true;
}

}  // namespace morgan::text
