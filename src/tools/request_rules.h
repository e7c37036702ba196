// The rules of frequent requests: which pattern asks for which tool, and the arguments that it says.
#pragma once

#include "base/json_util.h"
#include "tools/phrase_pattern.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::tools {

/// One request that fits a pattern.
struct Request {
  std::string_view said;
  const PhraseValues& values;

  bool has(std::string_view slot) const { return values.find(slot) != values.end(); }
  /// The words that were said there; none when nothing was.
  SpokenWords words(std::string_view slot) const;
  /// What was said there; "" when nothing was.
  std::string text(std::string_view slot) const;
  double number(std::string_view slot, double otherwise) const;
};

struct RequestRule {
  std::string tool;
  PhrasePattern pattern;
  /// nullopt: it only looked like it.
  std::function<std::optional<Json>(const Request&)> arguments;
};

using Rules = std::vector<RequestRule>;

/// Whether these may be what a thing is called: "tea", "living room lamp". What has words of a sentence in it ("is the
/// light", "don't set a") was no name.
bool is_name(SpokenWords words);

/// Clock, timers, reminders.
void add_time_rules(Rules& rules);
/// Arithmetic and units.
void add_number_rules(Rules& rules);
/// Notes, lists, weather, the web, the house.
void add_thing_rules(Rules& rules);

template <typename Arguments>
void add_rules(Rules& rules, const char* tool, std::initializer_list<std::string> patterns, Arguments arguments) {
  for (const std::string& pattern : patterns)
    rules.push_back({tool, PhrasePattern(pattern), arguments});
}

}  // namespace morgan::tools
