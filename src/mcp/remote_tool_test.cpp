#include "mcp/remote_tool.h"

#include "base/strings.h"

#include <gtest/gtest.h>

namespace morgan::mcp {

namespace {

TEST(RemoteTool, IsReadWithWhatItSaysOfItself) {
  const RemoteTool tool = read_tool(Json::parse(R"({"name":"add","title":"Add","inputSchema":{"type":"object"},
      "annotations":{"readOnlyHint":true}})"));
  EXPECT_EQ(tool.name, "add");
  EXPECT_EQ(tool.description, "Add");
  EXPECT_TRUE(tool.read_only);
  EXPECT_EQ(tool.input_schema, Json({{"type", "object"}}));
}

TEST(RemoteTool, IsReadFromAnythingWithoutBelievingIt) {
  for (const char* text :
       {"{}", R"({"name":5,"description":[],"inputSchema":"x","annotations":{"readOnlyHint":"yes"}})",
        R"({"annotations":7})"}) {
    const RemoteTool tool = read_tool(Json::parse(text));
    EXPECT_TRUE(tool.name.empty()) << text;
    EXPECT_FALSE(tool.read_only) << text;
    EXPECT_TRUE(tool.input_schema.is_object()) << text;
  }
}

TEST(RemoteResult, NamesWhatIsNoText) {
  const RemoteResult result = read_result(Json::parse(R"({"isError":true,"structuredContent":{"sum":5},"content":[
      {"type":"text","text":"five"},{"type":"image","mimeType":"image/png","data":"AAAAAAAA"},
      {"type":"resource","resource":{"uri":"file:///a","text":"inside"}},
      {"type":"resource","resource":{"uri":"file:///b","mimeType":"a/b"}},
      {"type":"resource_link","name":"c","uri":"file:///c"},5,{}]})"));
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.structured, Json({{"sum", 5}}));
  EXPECT_EQ(result.text, "five\n[image, image/png, 6 B]\ninside\n[resource, a/b]\nc file:///c\n[something]");
}

TEST(RemoteResult, IsCutWhenItIsLongAndStaysValid) {
  std::string text;
  for (int i = 0; i < 200'000; ++i)
    text += "\u00e9";
  const RemoteResult result = read_result(Json{{"content", {{{"type", "text"}, {"text", text}}}}});
  EXPECT_LT(result.text.size(), 263'000U);
  EXPECT_TRUE(is_valid_utf8(result.text));
  EXPECT_TRUE(result.text.ends_with("left out]"));
}

TEST(RemoteResult, IsEmptyWhenThereIsNothing) {
  for (const char* text : {"{}", R"({"content":5})", R"({"isError":"yes"})", "[]", "null"}) {
    const RemoteResult result = read_result(Json::parse(text));
    EXPECT_TRUE(result.text.empty()) << text;
    EXPECT_FALSE(result.is_error) << text;
  }
}

}  // namespace

}  // namespace morgan::mcp
