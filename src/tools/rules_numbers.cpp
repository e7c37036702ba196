// Arithmetic and units, as they are spoken.
#include "tools/request_rules.h"
#include "tools/units.h"

#include <fmt/format.h>

#include <array>

namespace morgan::tools {

namespace {

struct Operation {
  std::vector<std::string_view> words;
  std::string_view sign;
};

const std::vector<Operation>& operations() {
  static const std::vector<Operation> kOperations{{{"to", "the", "power", "of"}, "^"},
                                                  {{"raised", "to"}, "^"},
                                                  {{"multiplied", "by"}, "*"},
                                                  {{"divided", "by"}, "/"},
                                                  {{"percent", "of"}, "/100*"},
                                                  {{"%", "of"}, "/100*"},
                                                  {{"plus"}, "+"},
                                                  {{"minus"}, "-"},
                                                  {{"times"}, "*"},
                                                  {{"over"}, "/"},
                                                  {{"x"}, "*"},
                                                  {{"+"}, "+"},
                                                  {{"-"}, "-"},
                                                  {{"*"}, "*"},
                                                  {{"/"}, "/"},
                                                  {{"^"}, "^"}};
  return kOperations;
}

bool begins(SpokenWords words, const std::vector<std::string_view>& phrase) {
  if (words.size() < phrase.size()) return false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (words[i].text != phrase[i]) return false;
  }
  return true;
}

std::string digits_of(double value) {
  const std::string text = fmt::format("{:.15g}", value);
  return value < 0 ? "(" + text + ")" : text;
}

/// A number with what may stand around it: "the square root of 16", "half of 10", "5 squared", "5 percent".
/// @param calculates  set when there is something to calculate in it: "minus five" and "5 percent" are numbers
std::optional<std::string> operand(SpokenWords& words, bool& calculates) {
  static const std::array<std::pair<std::vector<std::string_view>, const char*>, 6> kBefore{
      {{{"the", "square", "root", "of"}, "sqrt({})"},
       {{"square", "root", "of"}, "sqrt({})"},
       {{"the", "cube", "root", "of"}, "({})^(1/3)"},
       {{"half", "of"}, "({})/2"},
       {{"twice"}, "2*({})"},
       {{"double"}, "2*({})"}}};
  for (const auto& [phrase, form] : kBefore) {
    if (!begins(words, phrase)) continue;
    words = words.subspan(phrase.size());
    const auto inner = operand(words, calculates);
    if (!inner) return std::nullopt;
    calculates = true;
    return fmt::format(fmt::runtime(form), *inner);
  }
  const auto number = number_at(words);
  if (!number) return std::nullopt;
  words = words.subspan(number->words);
  std::string text = digits_of(number->value);
  if (begins(words, {"squared"})) {
    text += "^2";
    calculates = true;
    words = words.subspan(1);
  } else if (begins(words, {"cubed"})) {
    text += "^3";
    calculates = true;
    words = words.subspan(1);
  } else if (begins(words, {"percent"}) && !begins(words, {"percent", "of"})) {
    text = "(" + text + "/100)";
    words = words.subspan(1);
  }
  return text;
}

/// "12 percent of 250 plus 3"; nullopt when anything else is said, or a number alone.
std::optional<std::string> expression_of(SpokenWords words) {
  bool calculates = false;
  auto text = operand(words, calculates);
  if (!text) return std::nullopt;
  while (!words.empty()) {
    const Operation* found = nullptr;
    for (const Operation& operation : operations()) {
      if (begins(words, operation.words)) {
        found = &operation;
        break;
      }
    }
    if (found == nullptr) return std::nullopt;
    words = words.subspan(found->words.size());
    const auto next = operand(words, calculates);
    if (!next) return std::nullopt;
    *text += std::string(found->sign) + *next;
    calculates = true;
  }
  return calculates ? text : std::nullopt;
}

std::optional<Json> calculation(const std::string& expression) {
  return Json{{"expression", expression}};
}

/// Numbers with nothing but "and" between them.
std::optional<std::string> sum_of(SpokenWords words) {
  std::string text;
  int count = 0;
  while (!words.empty()) {
    if (words[0].text == "and" || words[0].text == "plus") {
      words = words.subspan(1);
      continue;
    }
    const auto number = number_at(words);
    if (!number) return std::nullopt;
    text += (text.empty() ? "" : "+") + digits_of(number->value);
    words = words.subspan(number->words);
    ++count;
  }
  return count > 1 ? std::optional(text) : std::nullopt;
}

}  // namespace

void add_number_rules(Rules& rules) {
  add_rules(rules, "calculate",
            {"[what is|what are|what does|how much is|how much are|how much does|calculate|compute|work out|what would "
             "be|what do you get for|evaluate] "
             "[the result of] {sum:text} [equal|make|equals]"},
            [](const Request& request) -> std::optional<Json> {
              const auto expression = expression_of(request.values.at("sum").words);
              if (!expression) return std::nullopt;
              return calculation(*expression);
            });
  const auto pair = [](const char* form) {
    return [form](const Request& request) {
      return calculation(
          fmt::format(fmt::runtime(form), digits_of(request.number("a", 0)), digits_of(request.number("b", 0))));
    };
  };
  add_rules(rules, "calculate",
            {"divide {a:number} by {b:number}", "[what is] {a:number} split (by|between|among) {b:number} [people]"},
            pair("{0}/{1}"));
  add_rules(rules, "calculate",
            {"multiply {a:number} (by|with|and) {b:number}", "what is the product of {a:number} and {b:number}"},
            pair("{0}*{1}"));
  add_rules(rules, "calculate",
            {"subtract {a:number} from {b:number}", "take {a:number} (from|away from|off) {b:number}",
             "[what is] {a:number} less than {b:number}", "[what is] the difference between {b:number} and {a:number}"},
            pair("{1}-{0}"));
  add_rules(rules, "calculate",
            {"add [up] {terms:text} [together]", "[what is] the sum of {terms:text}", "sum [up] {terms:text}"},
            [](const Request& request) -> std::optional<Json> {
              const auto sum = sum_of(request.values.at("terms").words);
              if (!sum) return std::nullopt;
              return calculation(*sum);
            });
  add_rules(
      rules, "convert",
      {"[please] (convert|change|turn) [a|an] [{amount:number}] {from:unit} (to|into|in) {to:unit}",
       "[what is|what are|how much is|how much are] [a|an] [{amount:number}] {from:unit} (in|to|into|as) {to:unit}",
       "[how] (many|much) {to:unit} (is|are|are in|are there in|is in|in|do i get from|make|make up|does it take to "
       "make) "
       "[a|an] [{amount:number}] {from:unit}",
       "how many {to:unit} (has|does|do) [a|an] [{amount:number}] {from:unit} [have]"},
      [](const Request& request) {
        return std::optional<Json>(Json{{"amount", request.number("amount", 1)},
                                        {"from", request.values.at("from").text},
                                        {"to", request.values.at("to").text}});
      });
}

}  // namespace morgan::tools
