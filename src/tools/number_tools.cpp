// Arithmetic by muParser, conversions by UDUNITS-2.
#include "tools/builtin_tools.h"
#include "tools/schema.h"
#include "tools/spoken_form.h"
#include "tools/units.h"

#include <muParser.h>

#include <cmath>

namespace morgan::tools {

namespace {

constexpr std::size_t kMostExpressionBytes = 200;

/// What people and models write that the parser does not know.
std::string parser_form(std::string text) {
  const auto replace = [&text](std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
      text.replace(at, what.size(), by);
  };
  replace("\u00d7", "*");
  replace("\u00f7", "/");
  replace("\u2212", "-");
  replace("**", "^");
  replace("%", "/100");
  return text;
}

Result<ToolResult> calculate(const Json& arguments, const ToolContext&) {
  const std::string expression = arguments.value("expression", std::string());
  double value = 0;
  try {
    mu::Parser parser;
    parser.DefineConst("pi", std::acos(-1.0));
    parser.DefineConst("e", std::exp(1.0));
    parser.SetExpr(parser_form(expression));
    value = parser.Eval();
  } catch (const mu::Parser::exception_type& error) {
    return fail({ErrorCode::kInvalidArgument, "I cannot calculate that: " + error.GetMsg(), "", "expression"});
  }
  if (!std::isfinite(value))
    return ToolResult{"That has no result.", Json{{"expression", expression}, {"result", nullptr}}};
  const std::string words = number_words(value);
  const bool rounded = std::abs(value - std::round(value * 1e4) / 1e4) > 1e-9 * std::max(1.0, std::abs(value));
  return ToolResult{std::string(rounded ? "That is about " : "That is ") + words + ".",
                    Json{{"expression", expression}, {"result", value}}};
}

Result<ToolResult> convert_units(const Json& arguments, const ToolContext&) {
  const double amount = arguments.value("amount", 1.0);
  const std::string from = arguments.value("from", std::string());
  const std::string to = arguments.value("to", std::string());
  MORGAN_TRY(const double result, convert(amount, from, to));
  // Two decimals are what anybody wants to hear, four of what is small.
  const double scale = std::abs(result) >= 1 ? 100 : 10'000;
  const double heard = std::round(result * scale) / scale;
  return ToolResult{number_words(amount) + " " + unit_words(from, amount) + (amount == 1 ? " is " : " are ") +
                        (heard == result ? "" : "about ") + number_words(heard) + " " + unit_words(to, heard) + ".",
                    Json{{"amount", amount}, {"from", from}, {"to", to}, {"result", result}}};
}

}  // namespace

Result<void> add_number_tools(ToolRegistry& registry) {
  Tool calculator;
  calculator.name = "calculate";
  calculator.description = "Calculates an arithmetic expression.";
  calculator.parameters =
      object_schema({{"expression", text_schema("such as 12*(3+4), sqrt(2), 2^10, (20/100)*50", kMostExpressionBytes)}},
                    {"expression"});
  calculator.effect = Effect::kReads;
  calculator.cues = {"calculate", "plus",        "minus",   "times",   "divided",  "divide", "multiply", "multiplied",
                     "percent",   "square root", "squared", "cubed",   "power of", "sum of", "subtract", "add up",
                     "split",     "%",           "half of", "average", "+",        "*",      "/"};
  calculator.call = calculate;
  MORGAN_CHECK_OK(registry.add(std::move(calculator)));

  Tool converter;
  converter.name = "convert";
  converter.description = "Converts an amount from one unit of measure to another.";
  converter.parameters = object_schema({{"amount", number_schema("how many; 1 when none is said")},
                                        {"from", text_schema("unit of the amount, such as mile", 40)},
                                        {"to", text_schema("unit that is wanted, such as kilometer", 40)}},
                                       {"amount", "from", "to"});
  converter.effect = Effect::kReads;
  converter.cues = {"convert",    "in kilos",   "in pounds", "in miles",       "in kilometers",
                    "in celsius", "fahrenheit", "celsius",   "in feet",        "in meters",
                    "in inches",  "in liters",  "in grams",  "in centimeters", "in ounces"};
  converter.call = convert_units;
  return registry.add(std::move(converter));
}

}  // namespace morgan::tools
