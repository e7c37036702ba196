// The house, through Home Assistant's REST API: states are read, services are called.
// @source https://developers.home-assistant.io/docs/api/rest/
#include "base/strings.h"
#include "tools/remote/json_request.h"
#include "tools/remote/remote_tools.h"
#include "tools/schema.h"
#include "tools/spoken_form.h"
#include "tools/spoken_words.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace morgan::tools {

namespace {

constexpr std::size_t kMostNameBytes = 80;
constexpr std::size_t kMostTogether = 50;

using Domains = std::vector<std::string_view>;

const Domains& turnable() {
  static const Domains kDomains{"light",   "switch",     "fan",   "scene",  "script", "input_boolean", "media_player",
                                "climate", "humidifier", "group", "vacuum", "remote", "siren"};
  return kDomains;
}

struct Device {
  std::string id;  ///< "light.kitchen"
  std::string domain;
  std::string name;
  std::string state;
  std::string unit;
  std::set<std::string> words;  ///< by which it may be called
};

/// "lights" is called by "light".
std::string stem(std::string word) {
  if (word.size() > 3 && word.ends_with('s') && !word.ends_with("ss")) word.pop_back();
  return word;
}

std::set<std::string> stems(const std::string& text) {
  std::set<std::string> all;
  std::string plain = text;
  std::replace_if(plain.begin(), plain.end(), [](char c) { return c == '_' || c == '.' || c == '-'; }, ' ');
  for (const SpokenWord& word : words_of(plain_text(plain))) {
    std::string_view said = word.text;
    if (said.ends_with("'s")) said.remove_suffix(2);
    if (said != "the" && said != "my" && said != "our" && said != "in" && said != "of" && said != "all")
      all.insert(stem(std::string(said)));
  }
  return all;
}

std::optional<Device> device_of(const Json& entity) {
  if (!entity.is_object()) return std::nullopt;
  const auto id = json_string(entity, "entity_id");
  const auto state = json_string(entity, "state");
  if (!id || !*id || !state || !*state) return std::nullopt;
  Device device;
  device.id = **id;
  const std::size_t dot = device.id.find('.');
  if (dot == std::string::npos) return std::nullopt;
  device.domain = device.id.substr(0, dot);
  device.state = said_safely(**state, kMostNameBytes);
  if (const auto attributes = entity.find("attributes"); attributes != entity.end() && attributes->is_object()) {
    if (const auto name = json_string(*attributes, "friendly_name"); name && *name)
      device.name = said_safely(**name, kMostNameBytes);
    if (const auto unit = json_string(*attributes, "unit_of_measurement"); unit && *unit)
      device.unit = said_safely(**unit, 20);
  }
  if (device.name.empty()) device.name = said_safely(device.id.substr(dot + 1), kMostNameBytes);
  device.words = stems(device.name);
  device.words.merge(stems(device.id.substr(dot + 1)));
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kAlso{{{"light", "light"},
                                                                                       {"light", "lamp"},
                                                                                       {"switch", "switch"},
                                                                                       {"switch", "plug"},
                                                                                       {"fan", "fan"},
                                                                                       {"scene", "scene"},
                                                                                       {"climate", "heating"},
                                                                                       {"climate", "thermostat"},
                                                                                       {"lock", "lock"}}};
  for (const auto& [domain, word] : kAlso) {
    if (device.domain == domain) device.words.emplace(word);
  }
  return device;
}

class HomeAssistant {
 public:
  explicit HomeAssistant(HomeAssistantOptions options) : options_(std::move(options)) {
    while (options_.url.ends_with('/'))
      options_.url.pop_back();
  }

  /// The devices of these domains that are called so. Several: for a plural, or for a room; else the one whose name has
  /// the fewest other words. @error kNotFound  none; @error kInvalidArgument  which one?
  Result<std::vector<Device>> find(const std::string& called, const Domains& domains, const StopToken& stop) const {
    MORGAN_TRY(const Json states, request_json(request("/api/states"), stop));
    if (!states.is_array()) return fail(ErrorCode::kUnavailable, "Home Assistant's answer cannot be read");
    const std::set<std::string> wanted = stems(called);
    std::vector<Device> found;
    for (const Json& entity : states) {
      auto device = device_of(entity);
      if (!device || std::find(domains.begin(), domains.end(), device->domain) == domains.end()) continue;
      if (!wanted.empty() && std::includes(device->words.begin(), device->words.end(), wanted.begin(), wanted.end()))
        found.push_back(std::move(*device));
    }
    if (found.empty()) return fail({ErrorCode::kNotFound, "I found nothing called " + called + ".", "", "device"});
    return chosen(std::move(found), wanted, called);
  }

  Result<void> call_service(const std::string& service, const Json& body, const StopToken& stop) const {
    JsonRequest call = request("/api/services/" + service);
    call.body = body;
    MORGAN_CHECK_OK(request_json(call, stop));
    return {};
  }

 private:
  JsonRequest request(const std::string& path) const {
    JsonRequest made{"Home Assistant", options_.url + path};
    made.token = options_.token;
    return made;
  }

  static Result<std::vector<Device>> chosen(std::vector<Device> found, const std::set<std::string>& wanted,
                                            const std::string& called) {
    if (found.size() == 1) return found;
    std::vector<Device> exact;
    for (const Device& device : found) {
      if (stems(device.name) == wanted) exact.push_back(device);
    }
    if (exact.size() == 1) return exact;
    // "lights", or a room without a thing: all that there is of it.
    const std::string last = words_of(called).empty() ? "" : words_of(called).back().text;
    const auto says_thing = [&](const Device& device) {
      return wanted.contains(stem(device.domain)) || wanted.contains("lamp");
    };
    const bool room = std::none_of(found.begin(), found.end(), says_thing);
    const bool plural = last.ends_with('s') && stem(last) != last;
    if (plural || room) {
      if (room && !plural) {
        std::erase_if(found, [](const Device& device) {
          return device.domain != "light" && device.domain != "switch" && device.domain != "fan";
        });
      }
      if (found.size() > kMostTogether) found.resize(kMostTogether);
      if (!found.empty()) return found;
    }
    std::vector<std::string> names;
    for (const Device& device : found) {
      if (names.size() < 4) names.push_back(device.name);
    }
    return fail({ErrorCode::kInvalidArgument, "Which one: " + list_words(names, "or") + "?", "", "device"});
  }

  HomeAssistantOptions options_;
};

using House = std::shared_ptr<const HomeAssistant>;  // shared by the four tools

Json ids_of(const std::vector<Device>& devices) {
  Json ids = Json::array();
  for (const Device& device : devices)
    ids.push_back(device.id);
  return ids;
}

std::string names_of(const std::vector<Device>& devices) {
  if (devices.size() > 3) return std::to_string(devices.size()) + " devices";
  std::vector<std::string> names;
  for (const Device& device : devices)
    names.push_back("the " + device.name);
  return list_words(names);
}

std::string is_are(const std::vector<Device>& devices) {
  return devices.size() == 1 ? " is " : " are ";
}

Result<ToolResult> turn(const House& house, const Json& arguments, const ToolContext& context) {
  const std::string state = arguments.value("state", std::string());
  MORGAN_TRY(const auto devices, house->find(arguments.value("device", std::string()), turnable(), context.stop));
  MORGAN_CHECK_OK(
      house->call_service("homeassistant/turn_" + state, Json{{"entity_id", ids_of(devices)}}, context.stop));
  return ToolResult{sentence(names_of(devices)) + is_are(devices) + state + ".",
                    Json{{"devices", ids_of(devices)}, {"state", state}}};
}

Result<ToolResult> dim(const House& house, const Json& arguments, const ToolContext& context) {
  const auto percent = arguments.value("percent", 0LL);
  MORGAN_TRY(const auto devices, house->find(arguments.value("device", std::string()), {"light"}, context.stop));
  MORGAN_CHECK_OK(house->call_service("light/turn_on",
                                      Json{{"entity_id", ids_of(devices)}, {"brightness_pct", percent}}, context.stop));
  return ToolResult{sentence(names_of(devices)) + is_are(devices) + "at " + std::to_string(percent) + " percent.",
                    Json{{"devices", ids_of(devices)}, {"percent", percent}}};
}

Result<ToolResult> heat(const House& house, const Json& arguments, const ToolContext& context) {
  const double degrees = arguments.value("degrees", 0.0);
  MORGAN_TRY(const auto devices, house->find(arguments.value("device", std::string()), {"climate"}, context.stop));
  MORGAN_CHECK_OK(house->call_service("climate/set_temperature",
                                      Json{{"entity_id", ids_of(devices)}, {"temperature", degrees}}, context.stop));
  return ToolResult{sentence(names_of(devices)) + is_are(devices) + "set to " + number_words(degrees) + " degrees.",
                    Json{{"devices", ids_of(devices)}, {"degrees", degrees}}};
}

Result<ToolResult> tell_state(const House& house, const Json& arguments, const ToolContext& context) {
  Domains all = turnable();
  all.insert(all.end(), {"sensor", "binary_sensor", "cover", "lock", "person", "weather", "alarm_control_panel"});
  MORGAN_TRY(const auto devices, house->find(arguments.value("device", std::string()), all, context.stop));
  Json data = Json::array();
  std::string spoken;
  for (const Device& device : devices) {
    data.push_back({{"device", device.id}, {"name", device.name}, {"state", device.state}});
    if (spoken.size() < 300)
      spoken += (spoken.empty() ? "" : " ") + std::string("The ") + device.name + " is " + device.state +
                (device.unit.empty() ? "" : " " + device.unit) + ".";
  }
  return ToolResult{spoken, Json{{"devices", std::move(data)}}};
}

std::string device_in(const Json& arguments) {
  return "the " + arguments.value("device", std::string("device"));
}

}  // namespace

Result<void> add_home_assistant_tools(ToolRegistry& registry, HomeAssistantOptions options) {
  const auto house = std::make_shared<const HomeAssistant>(std::move(options));
  const Json device = text_schema("name of the device, with its room: kitchen light", 80);
  using Action = Result<ToolResult> (*)(const House&, const Json&, const ToolContext&);
  const auto add = [&](const char* name, const char* description, Json parameters, Effect effect,
                       std::vector<std::string> cues, std::function<std::string(const Json&)> intent, Action action) {
    Tool tool;
    tool.name = name;
    tool.description = description;
    tool.parameters = std::move(parameters);
    tool.effect = effect;
    tool.cues = std::move(cues);
    tool.intent = std::move(intent);
    tool.call = [house, action](const Json& arguments, const ToolContext& context) {
      return action(house, arguments, context);
    };
    return registry.add(std::move(tool));
  };
  MORGAN_CHECK_OK(add(
      "home_turn", "Turns a device of the house on or off.",
      object_schema({{"device", device}, {"state", {{"enum", {"on", "off"}}, {"description", "on or off"}}}},
                    {"device", "state"}),
      Effect::kActs, {"turn on", "turn off", "switch on", "switch off", "light", "lamp", "heating", "fan"},
      [](const Json& arguments) {
        return "turn " + arguments.value("state", std::string("on")) + " " + device_in(arguments);
      },
      turn));
  MORGAN_CHECK_OK(add(
      "home_dim", "Sets how bright a light is.",
      object_schema({{"device", device}, {"percent", integer_schema("brightness, 0 to 100", 0, 100)}},
                    {"device", "percent"}),
      Effect::kActs, {"dim", "brighter", "brightness", "darker"},
      [](const Json& arguments) {
        return "set " + device_in(arguments) + " to " + std::to_string(arguments.value("percent", 0LL)) + " percent";
      },
      dim));
  MORGAN_CHECK_OK(add(
      "home_temperature", "Sets the temperature of a room or a thermostat.",
      object_schema({{"device", device}, {"degrees", number_schema("temperature that is wanted")}},
                    {"device", "degrees"}),
      Effect::kActs, {"degrees", "thermostat", "heating", "warmer", "colder", "cooler"},
      [](const Json& arguments) {
        return "set " + device_in(arguments) + " to " + number_words(arguments.value("degrees", 0.0)) + " degrees";
      },
      heat));
  return add("home_state", "Tells the state of a device, a door, a window or a sensor of the house.",
             object_schema({{"device", device}}, {"device"}), Effect::kReads,
             {"door", "window", "garage", "locked", "unlocked", "light", "lamp", "sensor", "heating"}, nullptr,
             tell_state);
}

}  // namespace morgan::tools
