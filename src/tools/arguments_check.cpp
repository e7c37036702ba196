#include "tools/arguments_check.h"

#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <array>
#include <exception>
#include <string_view>
#include <utility>

namespace morgan::tools {

namespace {

constexpr int kDeepest = 16;
constexpr std::array<std::string_view, 14> kValues{"type",    "required",    "enum",      "const",      "minimum",
                                                   "maximum", "minLength",   "maxLength", "minItems",   "maxItems",
                                                   "$ref",    "description", "default",   "uniqueItems"};
constexpr std::array<std::string_view, 3> kSchemas{"items", "additionalProperties", "not"};
constexpr std::array<std::string_view, 3> kLists{"anyOf", "oneOf", "allOf"};
constexpr std::array<std::string_view, 3> kNamed{"properties", "definitions", "$defs"};

Json plain(const Json& schema, int depth) {
  if (schema.is_boolean()) return schema;
  Json kept = Json::object();
  if (!schema.is_object() || depth > kDeepest) return kept;
  for (const auto& [word, value] : schema.items()) {
    const auto is_in = [&word = word](const auto& words) {
      return std::find(words.begin(), words.end(), word) != words.end();
    };
    if (is_in(kValues)) {
      kept[word] = value;
    } else if (is_in(kSchemas)) {
      if (value.is_object() || value.is_boolean()) kept[word] = plain(value, depth + 1);
    } else if (is_in(kLists) && value.is_array()) {
      kept[word] = Json::array();
      for (const Json& one : value)
        kept[word].push_back(plain(one, depth + 1));
    } else if (is_in(kNamed) && value.is_object()) {
      kept[word] = Json::object();
      for (const auto& [name, one] : value.items())
        kept[word][name] = plain(one, depth + 1);
    }
  }
  return kept;
}

/// "minutes" of valijson's ["<root>", "[minutes]"].
std::string argument_of(const std::vector<std::string>& context) {
  if (context.size() < 2) return "arguments";
  std::string name = context[1];
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  return name;
}

}  // namespace

struct ArgumentsCheck::State {
  Json document;  // the schema may refer to it
  valijson::Schema schema;
};

ArgumentsCheck::ArgumentsCheck(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArgumentsCheck::ArgumentsCheck(ArgumentsCheck&&) noexcept = default;
ArgumentsCheck& ArgumentsCheck::operator=(ArgumentsCheck&&) noexcept = default;
ArgumentsCheck::~ArgumentsCheck() = default;

Json plain_schema(const Json& schema) {
  return plain(schema, 0);
}

Result<ArgumentsCheck> ArgumentsCheck::compile(const Json& schema) {
  auto state = std::make_unique<State>();
  state->document = plain_schema(schema);
  const auto type = state->document.find("type");
  if (!schema.is_object() || (type != state->document.end() && *type != "object"))
    return fail(ErrorCode::kInvalidArgument, "its parameters must be a JSON Schema of type object");
  state->document["type"] = "object";
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(state->document), state->schema);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, std::string("its parameters are no JSON Schema: ") + error.what());
  }
  return ArgumentsCheck(std::move(state));
}

Result<void> ArgumentsCheck::check(const Json& arguments) const {
  if (!arguments.is_object())
    return fail({ErrorCode::kInvalidArgument, "arguments must be an object", "", "arguments"});
  try {
    valijson::Validator validator;  // of this call: it keeps state
    valijson::ValidationResults results;
    if (validator.validate(state_->schema, valijson::adapters::NlohmannJsonAdapter(arguments), &results)) return {};
    // The first is the one for the outermost value; the last, what is wrong deep inside.
    std::string argument = "arguments";
    std::string why = "does not obey the schema";
    for (const auto& problem : results) {
      why = problem.description;
      if (argument_of(problem.context) == "arguments") continue;
      argument = argument_of(problem.context);
      break;
    }
    return fail({ErrorCode::kInvalidArgument, "argument '" + argument + "': " + why, "", argument});
  } catch (const std::exception& error) {
    return fail({ErrorCode::kInvalidArgument, std::string("the arguments cannot be checked: ") + error.what(), "",
                 "arguments"});
  }
}

}  // namespace morgan::tools
