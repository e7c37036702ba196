#include "services/openapi.h"

#include "base/strings.h"
#include "services/embedded_files.h"

#include <set>

namespace morgan::services {

namespace {

constexpr std::string_view kSchemaPrefix = "#/components/schemas/";

const OrderedJson& all_schemas() {
  static const OrderedJson schemas = OrderedJson::parse(embedded::openapi_schemas, nullptr, false);
  return schemas;
}

OrderedJson reference(const std::string& schema) {
  if (schema == "Any") return OrderedJson{{"type", "object"}};
  return OrderedJson{{"$ref", std::string(kSchemaPrefix) + schema}};
}

// Every schema that `value` mentions, and what those mention.
void collect_schemas(const OrderedJson& value, std::set<std::string>& found) {
  if (value.is_object() && value.contains("$ref") && value["$ref"].is_string()) {
    const auto target = value["$ref"].get<std::string>();
    if (!target.starts_with(kSchemaPrefix)) return;
    const std::string name = target.substr(kSchemaPrefix.size());
    if (found.insert(name).second && all_schemas().contains(name)) collect_schemas(all_schemas()[name], found);
    return;
  }
  if (!value.is_structured()) return;
  for (const auto& item : value)
    collect_schemas(item, found);
}

OrderedJson binary_schema() {
  return OrderedJson{{"type", "string"}, {"format", "binary"}};
}

OrderedJson media_schema(const std::string& type) {
  const bool text = type.starts_with("text/") || type == "application/x-subrip";
  return OrderedJson{{"schema", text ? OrderedJson{{"type", "string"}} : binary_schema()}};
}

// "post", "/v1/chat/completions" to "post_v1_chat_completions": what a client generator names its method.
std::string operation_id(const std::string& method, const std::string& pattern) {
  std::string id = method;
  for (const char c : pattern) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word)
      id += c;
    else if (id.back() != '_')
      id += '_';
  }
  while (id.back() == '_')
    id.pop_back();
  return id == method ? method + "_root" : id;
}

OrderedJson parameters(const DocumentedRoute& route) {
  OrderedJson list = OrderedJson::array();
  for (const std::string& segment : split(route.pattern, '/')) {
    if (!segment.starts_with('{')) continue;
    list.push_back(OrderedJson{{"name", segment.substr(1, segment.size() - 2)},
                               {"in", "path"},
                               {"required", true},
                               {"schema", {{"type", "string"}}}});
  }
  for (const ParamDoc& param : route.doc.query) {
    list.push_back(OrderedJson{
        {"name", param.name}, {"in", "query"}, {"description", param.description}, {"schema", {{"type", param.type}}}});
  }
  return list;
}

OrderedJson request_body(const RouteDoc& doc) {
  OrderedJson content = OrderedJson::object();
  if (!doc.form_body.empty()) content["multipart/form-data"]["schema"] = reference(doc.form_body);
  if (!doc.json_body.empty()) content["application/json"]["schema"] = reference(doc.json_body);
  if (doc.audio_body) content["audio/*"]["schema"] = binary_schema();
  if (content.empty()) return nullptr;
  return OrderedJson{{"required", true}, {"content", std::move(content)}};
}

OrderedJson responses(const DocumentedRoute& route) {
  OrderedJson all;
  if (route.websocket) {
    all["101"]["description"] = "The connection is a WebSocket from here on";
    all["426"]["description"] = "Not a WebSocket request";
    return all;
  }
  OrderedJson content = OrderedJson::object();
  for (const std::string& type : route.doc.other_answers)
    content[type] = media_schema(type);
  if (!route.doc.json_answer.empty()) content["application/json"]["schema"] = reference(route.doc.json_answer);
  all["200"]["description"] = "Done";
  if (!content.empty()) all["200"]["content"] = std::move(content);
  const bool openai = route.pattern.starts_with("/v1/");
  all["default"]["description"] = "An error; 503 comes with Retry-After";
  all["default"]["content"]["application/json"]["schema"] = reference(openai ? "OpenAiError" : "Error");
  return all;
}

OrderedJson operation(const std::string& method, const DocumentedRoute& route) {
  OrderedJson described;
  described["tags"] = {route.doc.tag};
  described["summary"] = route.doc.summary;
  if (!route.doc.description.empty()) described["description"] = route.doc.description;
  described["operationId"] = operation_id(method, route.pattern);
  if (OrderedJson list = parameters(route); !list.empty()) described["parameters"] = std::move(list);
  if (OrderedJson body = request_body(route.doc); !body.is_null()) described["requestBody"] = std::move(body);
  described["responses"] = responses(route);
  if (route.websocket) described["x-websocket"] = true;
  if (route.doc.scope == kOpen) described["security"] = OrderedJson::array();
  return described;
}

}  // namespace

OrderedJson openapi_document(const ServiceContext& context, std::span<const DocumentedRoute> routes) {
  OrderedJson document;
  document["openapi"] = "3.1.0";
  document["info"]["title"] = "Morgan " + context.name;
  document["info"]["version"] = context.version;
  document["info"]["summary"] = "A voice assistant on your own hardware: the " + context.name + " service";
  document["servers"] = OrderedJson::array({OrderedJson{{"url", "/"}}});
  OrderedJson paths = OrderedJson::object();
  for (const DocumentedRoute& route : routes) {
    const std::string method = to_lower_ascii(net::to_string(route.method));
    paths[route.pattern][method] = operation(method, route);
  }
  std::set<std::string> used;
  collect_schemas(paths, used);
  document["paths"] = std::move(paths);
  // Either; or none, where none is asked for.
  document["security"] = OrderedJson::array({OrderedJson{{"bearer", OrderedJson::array()}},
                                             OrderedJson{{"key", OrderedJson::array()}}, OrderedJson::object()});
  document["components"]["securitySchemes"] = {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}},
                                               {"key", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}};
  OrderedJson& schemas = document["components"]["schemas"];
  schemas = OrderedJson::object();
  for (const std::string& name : used) {
    if (all_schemas().contains(name)) schemas[name] = all_schemas()[name];
  }
  return document;
}

}  // namespace morgan::services
