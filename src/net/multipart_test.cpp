#include "net/multipart.h"

namespace morgan::net {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=XX";

std::string part(const std::string& disposition, const std::string& data, const std::string& more = {}) {
  return "--XX\r\nContent-Disposition: " + disposition + "\r\n" + more + "\r\n" + data + "\r\n";
}

Result<std::vector<FormPart>> parse(const std::string& body, const char* type = kType) {
  static std::string kept;  // the parts look into it
  kept = body;
  return parse_multipart(type, kept);
}

TEST(Multipart, ReadsFieldsAndFiles) {
  const auto parts = parse(part("form-data; name=\"user_id\"", "me") +
                           part("form-data; name=\"file\"; filename=\"a.wav\"", std::string("R\0\r\n--X", 7),
                                "Content-Type: audio/wav\r\n") +
                           "--XX--\r\n");
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].name, "user_id");
  EXPECT_EQ((*parts)[0].data, "me");
  EXPECT_EQ((*parts)[0].filename, "");
  EXPECT_EQ((*parts)[1].filename, "a.wav");
  EXPECT_EQ((*parts)[1].content_type, "audio/wav");
  EXPECT_EQ((*parts)[1].data, std::string_view("R\0\r\n--X", 7));
}

TEST(Multipart, SkipsPreambleAndEpilogue) {
  const auto parts = parse("a preamble\r\n" + part("form-data; name=a", "1") + "--XX--\r\nan epilogue --XX\r\n");
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 1U);
  EXPECT_EQ(parts->front().data, "1");
}

TEST(Multipart, ReadsQuotedBoundariesAndNames) {
  const auto parts = parse(
      "--a b:c\r\nContent-Disposition: form-data; name=\"a\\\"b;c\"; filename=\"C:\\dir\\x.wav\"\r\n\r\n\r\n--a b:c--",
      "Multipart/Form-Data; charset=utf-8; boundary=\"a b:c\"");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->front().name, "a\"b;c");
  EXPECT_EQ(parts->front().filename, "C:\\dir\\x.wav");
  EXPECT_EQ(parts->front().data, "");
}

TEST(Multipart, PrefersTheExtendedFilename) {
  const auto parts =
      parse(part("form-data; name=f; filename=\"x.wav\"; filename*=UTF-8''na%C3%AFve.wav", "1") + "--XX--");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->front().filename, "na\xC3\xAFve.wav");
}

TEST(Multipart, ALineThatOnlyBeginsAsTheBoundaryIsData) {
  const auto parts = parse(part("form-data; name=a", "x\r\n--XXY\r\nz") + "--XX--");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->front().data, "x\r\n--XXY\r\nz");
}

TEST(Multipart, TakesBlanksAfterABoundaryAndAnEmptyPart) {
  const auto parts = parse("--XX \t\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--");
  ASSERT_TRUE(parts) << parts.error().message;
  EXPECT_EQ(parts->front().data, "");
}

TEST(Multipart, RefusesWhatIsMalformed) {
  const std::string good = part("form-data; name=a", "1");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"empty body", ""},
      {"no boundary inside", "hello"},
      {"no closing boundary", good},
      {"cut inside the headers", "--XX\r\nContent-Disposition: form-data; name=a"},
      {"no disposition", "--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--"},
      {"no headers at all", "--XX\r\n\r\n1\r\n--XX--"},
      {"no name", part("form-data; filename=a", "1") + "--XX--"},
      {"another disposition", part("attachment; name=a", "1") + "--XX--"},
      {"quote that does not end", part("form-data; name=\"a", "1") + "--XX--"},
      {"name twice", part("form-data; name=a; name=b", "1") + "--XX--"},
      {"header without a colon", part("form-data; name=a", "1", "nonsense\r\n") + "--XX--"},
      {"encoded part", part("form-data; name=a", "1", "Content-Transfer-Encoding: base64\r\n") + "--XX--"},
      {"NUL in a name", part(std::string("form-data; name=\"a\0b\"", 21), "1") + "--XX--"},
      {"broken extended name", part("form-data; name=a; filename*=UTF-8''%zz", "1") + "--XX--"},
      {"huge headers", part("form-data; name=a", "1", "X: " + std::string(9'000, 'x') + "\r\n") + "--XX--"},
  };
  for (const auto& [what, body] : cases) {
    const auto parts = parse(body);
    ASSERT_FALSE(parts) << what;
    EXPECT_EQ(parts.error().code, ErrorCode::kInvalidArgument) << what;
  }
}

TEST(Multipart, RefusesOtherContentTypes) {
  for (const auto* type : {"", "application/json", "multipart/form-data",
                           "multipart/form-data; boundary=", "multipart/mixed; boundary=XX"}) {
    EXPECT_FALSE(parse(part("form-data; name=a", "1") + "--XX--", type)) << type;
  }
}

TEST(Multipart, RefusesOverSixtyFourParts) {
  std::string body;
  for (int i = 0; i < 64; ++i)
    body += part("form-data; name=a", "1");
  EXPECT_TRUE(parse(body + "--XX--"));
  EXPECT_FALSE(parse(body + part("form-data; name=a", "1") + "--XX--"));
}

}  // namespace
}  // namespace morgan::net
