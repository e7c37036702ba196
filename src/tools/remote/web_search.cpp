// Web search by a SearXNG server's JSON.
// @source https://docs.searxng.org/dev/search_api.html
#include "tools/remote/json_request.h"
#include "tools/remote/remote_tools.h"
#include "tools/schema.h"

namespace morgan::tools {

namespace {

constexpr std::size_t kMostResults = 5;
constexpr std::size_t kSpokenBytes = 300;
constexpr std::size_t kTextBytes = 500;

std::string text_of(const Json& result, const char* field, std::size_t most) {
  const auto text = json_string(result, field);
  return text && *text ? said_safely(**text, most) : "";
}

/// "example.org" of an address.
std::string site_of(const Json& result) {
  const auto url = json_string(result, "url");
  if (!url || !*url) return "";
  std::string site = **url;
  if (const std::size_t scheme = site.find("://"); scheme != std::string::npos) site.erase(0, scheme + 3);
  site.resize(std::min(site.find_first_of("/?#:"), site.size()));
  if (site.starts_with("www.")) site.erase(0, 4);
  return said_safely(site, 60);
}

Result<ToolResult> search(const SearchOptions& options, const Json& arguments, const ToolContext& context) {
  JsonRequest request{"the web search", options.url};
  request.query = {{"q", arguments.value("query", std::string())}, {"format", "json"}};
  MORGAN_TRY(const Json answer, request_json(request, context.stop));
  const auto results = answer.is_object() ? answer.find("results") : answer.end();
  if (!answer.is_object() || results == answer.end() || !results->is_array())
    return fail(ErrorCode::kUnavailable, "the web search's answer cannot be read");
  Json data = Json::array();
  std::string spoken;
  for (const Json& result : *results) {
    if (!result.is_object() || data.size() >= kMostResults) continue;
    const std::string text = text_of(result, "content", kTextBytes);
    data.push_back({{"title", text_of(result, "title", 120)}, {"site", site_of(result)}, {"text", text}});
    // Quoted as what it is: somebody else's words, which nothing of Morgan reads as a request.
    if (spoken.empty() && !text.empty()) spoken = site_of(result) + " says: " + said_safely(text, kSpokenBytes);
  }
  if (spoken.empty()) spoken = "I found nothing about that.";
  return ToolResult{spoken, Json{{"results", std::move(data)}}};
}

}  // namespace

Result<void> add_search_tool(ToolRegistry& registry, SearchOptions options) {
  Tool tool;
  tool.name = "web_search";
  tool.description = "Searches the web, when asked to search or for news.";
  tool.parameters = object_schema({{"query", text_schema("what to search for")}}, {"query"});
  tool.effect = Effect::kReads;
  tool.cues = {"search", "google", "look up", "online", "internet", "news"};
  tool.call = [options = std::move(options)](const Json& arguments, const ToolContext& context) {
    return search(options, arguments, context);
  };
  return registry.add(std::move(tool));
}

}  // namespace morgan::tools
