#include "mcp/protocol.h"

#include <gtest/gtest.h>

namespace morgan::mcp {

namespace {

TEST(McpProtocol, WritesPlainNamesAsTheyAre) {
  EXPECT_EQ(encode_header_value("transcribe"), "transcribe");
  EXPECT_EQ(decode_header_value("transcribe"), "transcribe");
}

TEST(McpProtocol, CarriesAnyNameThroughAHeader) {
  for (const std::string& name : {std::string("caf\xc3\xa9"), std::string(" edge "), std::string("a\nb"),
                                  std::string("=?base64?YQ==?="), std::string()}) {
    const std::string header = encode_header_value(name);
    EXPECT_EQ(header.find_first_of("\r\n"), std::string::npos);
    EXPECT_EQ(decode_header_value(header), name);
  }
  EXPECT_EQ(encode_header_value("caf\xc3\xa9"), "=?base64?Y2Fmw6k=?=");
}

TEST(McpProtocol, RefusesADamagedHeader) {
  for (const char* header : {"=?base64?Y?=", "=?base64?*?=", "=?base64?YR==?=", "=?base64?/w==?="})
    EXPECT_EQ(decode_header_value(header), std::nullopt) << header;
}

TEST(McpProtocol, KnowsItsRevisions) {
  EXPECT_TRUE(is_session_version("2025-03-26"));
  EXPECT_FALSE(is_session_version("2026-07-28"));
  EXPECT_EQ(known_versions().size(), 5U);
}

}  // namespace

}  // namespace morgan::mcp
