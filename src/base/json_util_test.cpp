#include "base/json_util.h"

namespace morgan {
namespace {

TEST(JsonUtil, SaysWhereTheTextIsMalformed) {
  const Result<Json> value = parse_json(R"({"a": })");
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().message.find("near byte 7"), std::string::npos) << value.error().message;
}

TEST(JsonUtil, RefusesEmptyDeepAndNonUtf8Text) {
  EXPECT_FALSE(parse_json("  "));
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_FALSE(parse_json("\"\xFF\""));
  EXPECT_FALSE(parse_json("1e999"));
  EXPECT_TRUE(parse_json("[[[]]]"));
  EXPECT_FALSE(parse_json_object("[]"));
}

TEST(JsonUtil, TypedFieldsNameTheFieldAndWhatWasExpected) {
  const Json object = *parse_json_object(R"({"text": 5, "speed": "fast", "count": 1.5, "on": "yes", "none": null})");
  EXPECT_EQ(json_string(object, "text").error().message, "field 'text' must be a string, but is number");
  EXPECT_EQ(json_number(object, "speed").error().param, "speed");
  EXPECT_FALSE(json_integer(object, "count"));
  EXPECT_FALSE(json_bool(object, "on"));
  EXPECT_FALSE(json_string(object, "none")->has_value());
  EXPECT_FALSE(json_string(object, "absent")->has_value());
}

TEST(JsonUtil, PrintsBrokenUtf8AsReplacement) {
  EXPECT_EQ(dump_json(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace morgan
