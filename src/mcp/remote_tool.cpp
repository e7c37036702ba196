#include "mcp/remote_tool.h"

#include "base/strings.h"

namespace morgan::mcp {

namespace {

constexpr std::size_t kMostText = 256 * 1024;

std::string text_of(const Json& object, std::string_view name) {
  const auto text = json_string(object, name);
  return text && *text ? **text : "";
}

/// "[image, image/png, 12 kB]".
std::string named(std::string_view kind, const Json& block) {
  std::string text = "[" + std::string(kind);
  if (const std::string type = text_of(block, "mimeType"); !type.empty()) text += ", " + type;
  constexpr std::size_t kBase64Of3 = 4;
  if (const std::size_t size = text_of(block, "data").size(); size > 0)
    text += ", " + human_bytes(size / kBase64Of3 * 3);
  return text + "]";
}

std::string block_text(const Json& block) {
  const std::string type = text_of(block, "type");
  if (type == "text") return text_of(block, "text");
  if (type == "resource_link") return text_of(block, "name") + " " + text_of(block, "uri");
  if (type != "resource") return named(type.empty() ? "something" : type, block);
  const auto resource = block.find("resource");
  if (resource == block.end() || !resource->is_object()) return named(type, block);
  const std::string text = text_of(*resource, "text");
  return text.empty() ? named("resource", *resource) : text;
}

}  // namespace

RemoteTool read_tool(const Json& tool) {
  RemoteTool read;
  read.name = text_of(tool, "name");
  read.description = text_of(tool, "description");
  if (read.description.empty()) read.description = text_of(tool, "title");
  if (const auto schema = tool.find("inputSchema"); schema != tool.end() && schema->is_object()) {
    read.input_schema = *schema;
  }
  if (const auto hints = tool.find("annotations"); hints != tool.end() && hints->is_object()) {
    const auto read_only = json_bool(*hints, "readOnlyHint");
    read.read_only = read_only && read_only->value_or(false);
  }
  return read;
}

RemoteResult read_result(const Json& result) {
  RemoteResult read;
  if (const auto failed = json_bool(result, "isError"); failed && *failed) read.is_error = **failed;
  if (const auto structured = result.find("structuredContent"); structured != result.end()) {
    read.structured = *structured;
  }
  const auto content = result.find("content");
  if (content == result.end() || !content->is_array()) return read;
  for (const Json& block : *content) {
    if (!block.is_object()) continue;
    if (!read.text.empty()) read.text += "\n";
    read.text += block_text(block);
    if (read.text.size() <= kMostText) continue;
    cut_utf8(read.text, kMostText);
    read.text += " [the rest was left out]";
    break;
  }
  return read;
}

}  // namespace morgan::mcp
