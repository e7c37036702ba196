#include "tools/model_choice.h"

#include "base/strings.h"
#include "tools/arguments_check.h"
#include "tools/spoken_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace morgan::tools {

namespace {

constexpr int kMostAnswerTokens = 160;
constexpr std::size_t kMostDescriptionBytes = 160;
constexpr const char* kNone = "none";

/// " set a timer "
std::string spaced(std::string_view said) {
  std::string text = " ";
  for (const SpokenWord& word : words_of(plain_text(said)))
    text += word.text + " ";
  return text;
}

/// The schema without limits: each repetition would become rules of the grammar, and the arguments are checked anyway.
Json grammar_schema(const Json& schema) {
  static constexpr std::array<std::string_view, 8> kLimits{"minLength", "maxLength", "minItems",    "maxItems",
                                                           "minimum",   "maximum",   "description", "default"};
  if (schema.is_array()) {
    Json list = Json::array();
    for (const Json& each : schema)
      list.push_back(grammar_schema(each));
    return list;
  }
  if (!schema.is_object()) return schema;
  Json kept = Json::object();
  for (const auto& [word, value] : schema.items()) {
    const bool limit = !value.is_object() && std::find(kLimits.begin(), kLimits.end(), word) != kLimits.end();
    if (!limit) kept[word] = grammar_schema(value);
  }
  return kept;
}

/// {"call": "timer_set", "given": {...}}: in the order of the alphabet, which is that of the grammar.
std::string answer_schema(const std::vector<ToolPointer>& candidates) {
  const auto choice = [](const std::string& name, const Json* arguments) {
    Json one{{"type", "object"},
             {"properties", {{"call", {{"const", name}}}}},
             {"required", {"call"}},
             {"additionalProperties", false}};
    if (arguments != nullptr) {
      one["properties"]["given"] = *arguments;
      one["required"].push_back("given");
    }
    return one;
  };
  Json choices = Json::array({choice(kNone, nullptr)});
  for (const ToolPointer& tool : candidates) {
    const Json arguments = grammar_schema(plain_schema(tool->tool.parameters));
    choices.push_back(choice(tool->tool.name, &arguments));
  }
  return dump_json(Json{{"anyOf", std::move(choices)}});
}

std::string one_line(std::string text, std::size_t most) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) != 0; }, ' ');
  cut_utf8(text, most);
  return text;
}

/// "timer_set(seconds: length in seconds, label?: what it is for): Starts a timer."
std::string described(const Tool& tool) {
  std::string arguments;
  const Json required = tool.parameters.value("required", Json::array());
  const Json properties = tool.parameters.value("properties", Json::object());
  for (const auto& [name, property] : properties.items()) {
    const bool needed = std::find(required.begin(), required.end(), name) != required.end();
    arguments += (arguments.empty() ? "" : ", ") + name + (needed ? "" : "?");
    if (!property.is_object()) continue;
    if (const auto about = json_string(property, "description"); about && *about)
      arguments += ": " + one_line(**about, kMostDescriptionBytes / 2);
  }
  return tool.name + "(" + arguments + "): " + one_line(tool.description, kMostDescriptionBytes);
}

struct Example {
  const char* said;
  const char* answer;
  const char* tool;  ///< shown only when there is this tool; "": always
};

/// A small model learns the form, and to say none, from these.
constexpr std::array kExamples{
    Example{"Who painted the Mona Lisa?", R"({"call":"none"})", ""},
    Example{"How late is it over in Sydney at the moment?", R"({"call":"time","given":{"place":"Sydney"}})", "time"},
    Example{"What a long time that took!", R"({"call":"none"})", ""},
    Example{"The eggs need seven minutes, keep an eye on them with a timer.",
            R"({"call":"timer_set","given":{"label":"eggs","seconds":420}})", "timer_set"},
    Example{"I want to be reminded of the dentist, Tuesday at ten.",
            R"({"call":"reminder_set","given":{"text":"the dentist","when":"Tuesday at ten"}})", "reminder_set"},
    Example{"How does an hourglass timer work?", R"({"call":"none"})", ""},
    Example{"Six apples cost 4.50, so what does each cost, divided evenly?",
            R"({"call":"calculate","given":{"expression":"4.50/6"}})", "calculate"},
    Example{"We are out of rice, the list should have it.",
            R"({"call":"list_add","given":{"items":["rice"],"list":"shopping"}})", "list_add"},
    Example{"The room of my son needs the lamp on.",
            R"({"call":"home_turn","given":{"device":"son's room lamp","state":"on"}})", "home_turn"},
    Example{"My sister collects old lamps and lights.", R"({"call":"none"})", ""},
    Example{"Should I take a warm jacket along in Oslo?", R"({"call":"weather","given":{"place":"Oslo"}})", "weather"},
    Example{"Why does it rain so much in the tropics?", R"({"call":"none"})", ""},
};

bool is_said(const std::string& said, const std::string& value) {
  bool any = false;
  for (const SpokenWord& word : words_of(plain_text(value))) {
    if (std::isdigit(static_cast<unsigned char>(word.text[0])) != 0) return true;  // numbers are said in many ways
    if (word.text.size() < 3) continue;
    any = true;
    std::string_view stem = word.text;
    if (stem.size() > 3 && stem.ends_with('s')) stem.remove_suffix(1);
    if (said.find(stem) != std::string::npos) return true;
  }
  return !any;
}

/// "ten", "20", "an hour": without any number in the request, one in the arguments is made up.
bool says_number(std::string_view said) {
  const std::vector<SpokenWord> words = words_of(plain_text(said));
  return std::any_of(words.begin(), words.end(), [](const SpokenWord& word) {
    return is_number_word(word.text) || word.text == "half" || word.text == "quarter" || word.text == "an";
  });
}

}  // namespace

std::vector<ToolPointer> hinted_tools(std::string_view said, const std::vector<ToolPointer>& tools) {
  const std::string text = spaced(said);
  std::vector<ToolPointer> hinted;
  for (const ToolPointer& tool : tools) {
    const auto is_said = [&text](const std::string& cue) {
      return text.find(" " + cue + " ") != std::string::npos || text.find(" " + cue + "s ") != std::string::npos;
    };
    if (std::any_of(tool->tool.cues.begin(), tool->tool.cues.end(), is_said)) hinted.push_back(tool);
  }
  return hinted;
}

bool keep_what_was_said(std::string_view said, const Json& schema, Json& arguments) {
  const std::string text = spaced(said);
  const Json required = schema.value("required", Json::array());
  const Json properties = schema.value("properties", Json::object());
  for (auto each = arguments.begin(); each != arguments.end();) {
    const Json property = properties.value(each.key(), Json::object());
    if (each->is_array()) {
      std::erase_if(each->get_ref<Json::array_t&>(),
                    [&](const Json& item) { return item.is_string() && !is_said(text, item.get<std::string>()); });
    }
    const bool nothing = each->is_array() && each->empty();
    const bool free_text = each->is_string() && !(property.is_object() && property.contains("enum"));
    const bool made_up = each->is_number() && !says_number(said);
    if (!nothing && !made_up && (!free_text || is_said(text, each->get<std::string>()))) {
      ++each;
      continue;
    }
    if (std::find(required.begin(), required.end(), each.key()) != required.end()) return false;
    each = arguments.erase(each);
  }
  return true;
}

std::vector<engines::ChatMessage> ModelChoice::prompt(const std::string& user_id) const {
  std::vector<ToolPointer> tools = runner_.tools_for(user_id);
  if (tools.size() > kMostTools) tools.resize(kMostTools);
  std::string system =
      "You decide whether a request to a voice assistant needs one of these tools. Most do not: talk, stories, "
      "opinions "
      "and questions about the world are none. Answer with JSON.\n";
  for (const ToolPointer& tool : tools)
    system += described(tool->tool) + "\n";
  system += "none: everything else";
  std::vector<engines::ChatMessage> messages{{"system", std::move(system)}};
  for (const Example& example : kExamples) {
    const auto is_it = [&](const ToolPointer& tool) { return tool->tool.name == example.tool; };
    if (*example.tool != '\0' && std::none_of(tools.begin(), tools.end(), is_it)) continue;
    messages.push_back({"user", example.said});
    messages.push_back({"assistant", example.answer});
  }
  return messages;
}

Result<std::optional<ToolCall>> ModelChoice::choose(const std::string& user_id, const std::string& said,
                                                    const std::vector<ToolPointer>& candidates,
                                                    const StopToken& stop) const {
  engines::ChatRequest request;
  request.messages = prompt(user_id);
  request.messages.push_back({"user", said});
  request.max_tokens = kMostAnswerTokens;
  request.temperature = 0;
  request.json_schema = answer_schema(candidates);
  MORGAN_TRY(const engines::ChatReply reply, llm_.chat(request, {}, stop));
  const auto answer = parse_json_object(reply.text);
  if (!answer) return std::optional<ToolCall>();  // cut off, or an upstream without grammars
  const auto name = json_string(*answer, "call");
  if (!name || !*name || **name == kNone) return std::optional<ToolCall>();
  for (const ToolPointer& tool : candidates) {
    if (tool->tool.name != **name) continue;
    ToolCall call{tool->tool.name, answer->value("given", Json::object())};
    if (!call.arguments.is_object() || !keep_what_was_said(said, tool->tool.parameters, call.arguments)) break;
    return std::optional(std::move(call));
  }
  return std::optional<ToolCall>();
}

}  // namespace morgan::tools
