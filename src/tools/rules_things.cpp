// Notes, lists, weather, the web, the house.
#include "base/strings.h"
#include "tools/request_rules.h"
#include "tools/time_phrases.h"

#include <algorithm>
#include <array>

namespace morgan::tools {

namespace {

std::optional<Json> no_arguments(const Request&) {
  return Json::object();
}

/// "eggs, some butter and flour" as three.
Json items_of(const std::string& said) {
  Json items = Json::array();
  std::string text = said;
  for (std::size_t at = text.find(" and "); at != std::string::npos; at = text.find(" and ", at))
    text.replace(at, 5, ",");
  for (const std::string& part : split(text, ',')) {
    std::string_view item = trim(part);
    for (const std::string_view article : {"some ", "the ", "and "}) {
      if (item.size() > article.size() && equals_ignore_case(item.substr(0, article.size()), article))
        item.remove_prefix(article.size());
    }
    if (!item.empty()) items.push_back(std::string(item));
  }
  return items;
}

/// As it was said; its tool knows which list that is.
Json only_list(const Request& request) {
  Json arguments = Json::object();
  if (request.has("list")) arguments["list"] = request.text("list");
  return arguments;
}

std::optional<Json> list_items(const Request& request) {
  Json items = items_of(request.text("items"));
  if (items.empty()) return std::nullopt;
  Json arguments = only_list(request);
  arguments["items"] = std::move(items);
  return arguments;
}

void add_notes(Rules& rules) {
  add_rules(rules, "note_add",
            {"(make|take|add|write|create) [me] [a|another] note [that|of|about|saying|to myself] [that] {text:text}",
             "(note|write|jot) [this|that|it] down [that] {text:text}", "note [that|this] {text:text}",
             "(write|jot) down [that] {text:text}"},
            [](const Request& request) { return std::optional<Json>(Json{{"text", request.text("text")}}); });
  add_rules(rules, "note_list",
            {"(read|show|list|what are|read out|tell) [me] [all] [of] [my|the] (notes|note)",
             "(what is|what do i have) in my notes", "(what|which) notes do i have", "do i have any notes", "my notes"},
            no_arguments);
  add_rules(rules, "note_list",
            {"(read|show|list|find) [me] [my|the] (notes|note) (about|on|for) [the|my] {about:text}",
             "what did i (note|write down|note down) [about|on] [the|my] {about:text}",
             "(what|which) notes do i have (about|on) [the|my] {about:text}",
             "do i have [any|a] (notes|note) (about|on) [the|my] {about:text}"},
            [](const Request& request) { return std::optional<Json>(Json{{"about", request.text("about")}}); });
  add_rules(rules, "note_delete",
            {"(delete|remove|erase|clear) (all|all of) [my|the] notes", "(delete|remove|erase|clear) my notes"},
            [](const Request&) { return std::optional<Json>(Json{{"all", true}}); });
  add_rules(rules, "note_delete",
            {"(delete|remove|erase) [the|my] (note|notes) (about|on|that says|for) [the|my] {about:text}"},
            [](const Request& request) { return std::optional<Json>(Json{{"about", request.text("about")}}); });
}

void add_lists(Rules& rules) {
  add_rules(rules, "list_clear",
            {"(clear|empty|delete|erase|reset|wipe) [all of] [my|the|our] [{list:text}] list",
             "(remove|delete|take) everything (from|off|on) [my|the|our] [{list:text}] list"},
            only_list);
  add_rules(rules, "list_add",
            {"(add|put|write|place|get) {items:text} (to|on|onto|in|into) [to] [my|the|our|a] [{list:text}] list"},
            list_items);
  add_rules(rules, "list_remove",
            {"(remove|delete|take|cross|strike|scratch) {items:text} (from|off|off of|off from|out of) [my|the|our] "
             "[{list:text}] list",
             "(take|cross|strike) off {items:text} (from|of) [my|the|our] [{list:text}] list"},
            list_items);
  add_rules(
      rules, "list_show",
      {"what is [there|all] on [my|the|our] [{list:text}] list",
       "(read|show|tell|check|read out) [me] [what is on] [my|the|our] [{list:text}] list",
       "what do (i|we) (have|need) on [my|the|our] [{list:text}] list", "what (do i|do we) [still] (need|have) to buy"},
      only_list);
}

bool begins_a_search(SpokenWords words) {
  static constexpr std::array<std::string_view, 15> kNone{"is",  "was", "are",   "were",  "has",  "had", "and", "or",
                                                          "can", "did", "knows", "wants", "said", "it",  "that"};
  return !words.empty() && std::find(kNone.begin(), kNone.end(), words[0].text) == kNone.end();
}

std::optional<Json> weather_at(const Request& request) {
  Json arguments = Json::object();
  if (request.has("place")) arguments["place"] = request.text("place");
  if (const auto day = request.values.find("day"); day != request.values.end())
    arguments["day"] = iso_text(day->second.moment.at).substr(0, 10);
  return arguments;
}

void add_outside(Rules& rules) {
  add_rules(
      rules, "weather",
      {"[what is|how is] [the] weather [like] in {place:text} {day:moment}",
       "(what|how) will the weather be [like] in {place:text} {day:moment}",
       "(will it|is it going to) (rain|snow|be sunny|be cold|be warm|be hot|be windy) in {place:text} {day:moment}",
       "[what is|how is] [the] weather [like|going to be|going to be like] [outside|out] [today] [{day:moment}] [in "
       "{place:text}]",
       "(what|how) will the weather be [like] [today] [{day:moment}] [in {place:text}]",
       "(will it|is it going to|does it|is it|is there going to be) (rain|snow|raining|snowing|be sunny|be cold|be "
       "warm|be hot|be windy|freeze|storm) "
       "[outside|here] [today] [{day:moment}] [in {place:text}]",
       "(will|do) (i|we) need (an umbrella|a coat|a jacket|a raincoat) [outside] [today] [{day:moment}]",
       "how (cold|warm|hot|windy) (is it|will it be|is it going to be|it is) [outside|out|out there] [today] "
       "[{day:moment}] [in {place:text}]",
       "[what is] [the] (weather forecast|forecast|weather report) [for] [today] [{day:moment}] [in|for] "
       "[{place:text}]",
       "what is the temperature (outside|out|outdoors) [{day:moment}]", "what is the temperature in {place:text}"},
      weather_at);
  add_rules(rules, "web_search",
            {"(search|look) [on|in|through] [the] (web|internet|net|online) for {query:text}",
             "(search|look) [for|up] {query:text} (online|on the web|on the internet|on the net|on google)",
             "(google|search for) {query:text}", "look {query:text} up (online|on the web|on the internet)",
             "find [me] [out] {query:text} (online|on the web|on the internet|on the net)"},
            [](const Request& request) -> std::optional<Json> {
              // What is searched for leaves the house: it must have been meant so. "Google is a company."
              if (!begins_a_search(request.words("query"))) return std::nullopt;
              return Json{{"query", request.text("query")}};
            });
}

/// "the lamp in the bedroom" is called the bedroom lamp.
std::string device_of(const Request& request) {
  std::string device = request.text("device");
  for (const std::string_view article : {"the ", "my ", "our "}) {
    if (device.size() > article.size() &&
        equals_ignore_case(std::string_view(device).substr(0, article.size()), article))
      device.erase(0, article.size());
  }
  const std::string room = request.text("room");
  if (room.empty()) return device;
  return equals_ignore_case(device, "everything") || equals_ignore_case(device, "all") ? room : room + " " + device;
}

/// "lamp and set a timer" is two requests.
bool is_one_device(const std::string& device) {
  constexpr std::size_t kMostWords = 5;
  const std::vector<SpokenWord> words = words_of(device);
  return words.size() <= kMostWords &&
         std::none_of(words.begin(), words.end(), [](const SpokenWord& word) { return word.text == "and"; });
}

/// Things of a house that are asked about: "is the library open" is not about one.
bool is_of_a_house(const std::string& device) {
  static constexpr std::array<std::string_view, 32> kThings{
      "light",  "lights", "lamp",       "lamps",   "door",    "doors",      "window",     "windows",
      "garage", "gate",   "heating",    "heater",  "fan",     "tv",         "television", "plug",
      "socket", "lock",   "blinds",     "blind",   "shutter", "shutters",   "curtain",    "curtains",
      "oven",   "stove",  "dishwasher", "machine", "radio",   "thermostat", "alarm",      "switch"};
  const std::vector<SpokenWord> words = words_of(device);
  return std::any_of(words.begin(), words.end(), [](const SpokenWord& word) {
    return std::find(kThings.begin(), kThings.end(), word.text) != kThings.end();
  });
}

void add_house(Rules& rules) {
  for (const std::string state : {"on", "off"}) {
    const auto add = [&](std::string pattern, bool of_a_house) {
      for (std::size_t at = pattern.find('@'); at != std::string::npos; at = pattern.find('@'))
        pattern.replace(at, 1, state);
      add_rules(rules, "home_turn", {pattern}, [state, of_a_house](const Request& request) -> std::optional<Json> {
        if (!is_one_device(request.text("device"))) return std::nullopt;
        if (of_a_house && !is_of_a_house(request.text("device"))) return std::nullopt;
        return Json{{"device", device_of(request)}, {"state", state}};
      });
    };
    add("(turn|switch) @ [all] [of] [the|my|our] {device:text} in [the|my|our] {room:text}", false);
    add("(turn|switch) [all] [of] [the|my|our] {device:text} @ in [the|my|our] {room:text}", false);
    add("(turn|switch) [the|my|our] {device:text} in [the|my|our] {room:text} @", false);
    add("(turn|switch) @ [all] [of] [the|my|our] {device:text}", false);
    add("(turn|switch) [all] [of] [the|my|our] {device:text} @", false);
    // "put some music on", "he dozed off in the train"
    add("(put|shut) [all] [of] [the|my|our] {device:text} @", true);
    add("(put|shut) [the|my|our] {device:text} @ in [the|my|our] {room:text}", true);
  }
  const auto dimmed = [](const Request& request) -> std::optional<Json> {
    const double percent = request.number("percent", -1);
    if (percent < 0 || percent > 100) return std::nullopt;
    return Json{{"device", device_of(request)}, {"percent", static_cast<long long>(percent)}};
  };
  add_rules(rules, "home_dim",
            {"(dim|set|turn|brighten|put|turn down|turn up|change) [the|my|our] {device:text} in [the|my|our] "
             "{room:text} [brightness] "
             "(to|at|by) {percent:number} (percent|%) [brightness]",
             "(dim|set|turn|brighten|put|turn down|turn up|change) [the] [brightness of] [the|my|our] {device:text} "
             "(to|at) {percent:number} (percent|%) [brightness]"},
            dimmed);
  add_rules(
      rules, "home_temperature",
      {"(set|turn|put|heat|change|turn up|turn down) [the] [temperature of|temperature in] [the|my|our] {device:text} "
       "(to|at) "
       "{degrees:number} (degrees|degree) [celsius|fahrenheit]"},
      [](const Request& request) {
        return std::optional<Json>(Json{{"device", device_of(request)}, {"degrees", request.number("degrees", 0)}});
      });
  add_rules(rules, "home_state",
            {"(is|are) [the|my|our] {device:text} in [the|my|our] {room:text} [still|already] "
             "(on|off|open|closed|locked|unlocked|running)",
             "(is|are) [the|my|our] {device:text} [still|already] (on|off|open|closed|locked|unlocked|running|turned "
             "on|turned off) [in [the|my|our] {room:text}]"},
            [](const Request& request) -> std::optional<Json> {
              if (!is_of_a_house(request.text("device")) || !is_name(request.words("device"))) return std::nullopt;
              return Json{{"device", device_of(request)}};
            });
}

}  // namespace

void add_thing_rules(Rules& rules) {
  add_notes(rules);
  add_lists(rules);
  add_outside(rules);
  add_house(rules);
}

}  // namespace morgan::tools
