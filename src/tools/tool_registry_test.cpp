#include "tools/tool_registry.h"

#include "tools/tool_policy.h"

namespace morgan::tools {
namespace {

Tool tool(std::string name, Json parameters = {{"type", "object"}}) {
  Tool made;
  made.name = std::move(name);
  made.description = "Does nothing.";
  made.parameters = std::move(parameters);
  made.effect = Effect::kReads;
  made.call = [](const Json&, const ToolContext&) -> Result<ToolResult> { return ToolResult{"Done.", {}}; };
  return made;
}

std::vector<std::string> names(const ToolRegistry& registry) {
  std::vector<std::string> all;
  for (const ToolPointer& each : registry.list())
    all.push_back(each->tool.name);
  return all;
}

TEST(ToolRegistry, FindsToolsByNameAndNamesTheNearestOtherwise) {
  ToolRegistry registry;
  ASSERT_TRUE(registry.add(tool("timer_set")));
  EXPECT_EQ((*registry.find("timer_set"))->tool.name, "timer_set");
  const auto unknown = registry.find("timer_sett");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.error().message.find("timer_set"), std::string::npos);
  EXPECT_EQ(registry.add(tool("timer_set")).error().code, ErrorCode::kConflict);
}

TEST(ToolRegistry, RefusesWhatIsNoTool) {
  ToolRegistry registry;
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a\n"), std::string(200, 'a')})
    EXPECT_EQ(registry.add(tool(name)).error().code, ErrorCode::kInvalidArgument) << name;
  EXPECT_FALSE(registry.add(tool("list", Json::array())));
  EXPECT_FALSE(registry.add(tool("text", {{"type", "string"}})));
  EXPECT_FALSE(registry.add(tool("odd", {{"type", "object"}, {"properties", {{"x", {{"type", 7}}}}}})));
  Tool without = tool("without");
  without.call = nullptr;
  EXPECT_FALSE(registry.add(without));
  EXPECT_TRUE(registry.list().empty());
}

TEST(ToolRegistry, ReplacesTheToolsOfOnePrefixAtOnce) {
  ToolRegistry registry;
  ASSERT_TRUE(registry.add(tool("clock")));
  EXPECT_TRUE(registry.replace("files", {tool("read"), tool("write")}).empty());
  EXPECT_TRUE(registry.replace("filesystem", {tool("read")}).empty());
  EXPECT_EQ(names(registry), (std::vector<std::string>{"clock", "files.read", "files.write", "filesystem.read"}));
  const auto left_out = registry.replace("files", {tool("list"), tool("no name")});
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_NE(left_out[0].find("no name"), std::string::npos);
  EXPECT_EQ(names(registry), (std::vector<std::string>{"clock", "files.list", "filesystem.read"}));
  EXPECT_EQ(registry.remove("files"), 1U);
  EXPECT_EQ(registry.remove("files"), 0U);
  EXPECT_EQ(registry.remove("clock"), 0U) << "a built-in tool is behind no prefix";
}

TEST(ToolRegistry, ACallKeepsItsToolWhenThatIsRemoved) {
  ToolRegistry registry;
  ASSERT_TRUE(registry.replace("files", {tool("read")}).empty());
  const ToolPointer held = *registry.find("files.read");
  registry.remove("files");
  EXPECT_EQ(held->tool.call(Json::object(), {})->spoken, "Done.");
}

TEST(ToolRegistry, TakesNoMoreThanItsLimit) {
  ToolRegistry registry;
  std::vector<Tool> many;
  for (std::size_t i = 0; i <= ToolRegistry::kMostTools; ++i)
    many.push_back(tool("t" + std::to_string(i)));
  EXPECT_EQ(registry.replace("x", many).size(), 1U);
  EXPECT_EQ(registry.list().size(), ToolRegistry::kMostTools);
}

TEST(ArgumentsCheck, SaysWhichArgumentIsWrong) {
  const Json schema = Json::parse(R"({"type":"object","required":["seconds"],"additionalProperties":false,
    "properties":{"seconds":{"type":"integer","minimum":1},"label":{"type":"string","maxLength":5},
                  "kind":{"enum":["a","b"]}}})");
  const auto check = ArgumentsCheck::compile(schema);
  ASSERT_TRUE(check) << check.error().message;
  EXPECT_TRUE(check->check({{"seconds", 5}, {"label", "tea"}, {"kind", "b"}}));
  EXPECT_EQ(check->check({{"seconds", "5"}}).error().param, "seconds");
  EXPECT_EQ(check->check({{"seconds", 0}}).error().param, "seconds");
  EXPECT_EQ(check->check({{"seconds", 5}, {"label", "too long"}}).error().param, "label");
  EXPECT_EQ(check->check({{"seconds", 5}, {"kind", "c"}}).error().param, "kind");
  EXPECT_FALSE(check->check({{"label", "tea"}}));
  EXPECT_FALSE(check->check({{"seconds", 5}, {"else", 1}}));
  EXPECT_FALSE(check->check(Json::array()));
  EXPECT_FALSE(check->check(nullptr));
}

TEST(ArgumentsCheck, LeavesOutWhatMayRunForEver) {
  const Json schema = Json::parse(
      R"({"type":"object","properties":{"x":{"type":"string","pattern":"(a+)+$"}},"patternProperties":{"(a+)+$":{}}})");
  const Json plain = plain_schema(schema);
  EXPECT_EQ(dump_json(plain).find("attern"), std::string::npos);
  const auto check = ArgumentsCheck::compile(schema);
  ASSERT_TRUE(check);
  EXPECT_TRUE(check->check({{"x", std::string(5'000, 'a') + "!"}}));
}

TEST(ArgumentsCheck, CutsASchemaThatIsNestedTooDeep) {
  Json deep = {{"type", "string"}};
  for (int i = 0; i < 60; ++i)
    deep = {{"type", "object"}, {"properties", {{"x", deep}}}};
  EXPECT_TRUE(ArgumentsCheck::compile(deep));
  EXPECT_LT(dump_json(plain_schema(deep)).size(), 1'500U);
}

TEST(ToolPolicy, TheFirstRuleThatFitsDecides) {
  const auto policy = ToolPolicy::parse("guest:home*=deny, ann:home_lock=ask, ann:*=allow");
  ASSERT_TRUE(policy) << policy.error().message;
  Tool lock = tool("home_lock");
  lock.effect = Effect::kActs;
  EXPECT_EQ(policy->of("guest", lock), Permission::kDeny);
  EXPECT_EQ(policy->of("ann", lock), Permission::kAsk);
  EXPECT_EQ(policy->of("ann", tool("clock")), Permission::kAllow);
}

TEST(ToolPolicy, WithoutARuleWhatActsIsAskedFor) {
  Tool act = tool("act");
  act.effect = Effect::kActs;
  EXPECT_EQ(ToolPolicy().of("ann", act), Permission::kAsk);
  EXPECT_EQ(ToolPolicy().of("ann", tool("read")), Permission::kAllow);
  Tool keep = tool("keep");
  keep.effect = Effect::kKeeps;
  EXPECT_EQ(ToolPolicy().of("ann", keep), Permission::kAllow);
}

TEST(ToolPolicy, RefusesWhatIsNoRule) {
  EXPECT_TRUE(ToolPolicy::parse(""));
  EXPECT_TRUE(ToolPolicy::parse(" , "));
  for (const char* const rules :
       {"ann", "ann:clock", "ann:clock=perhaps", ":clock=ask", "ann:=ask", "=ask", "clock=ask"}) {
    const auto policy = ToolPolicy::parse(rules);
    ASSERT_FALSE(policy) << rules;
    EXPECT_NE(policy.error().message.find("tools.rules"), std::string::npos);
  }
}

}  // namespace
}  // namespace morgan::tools
