#include "services/fields.h"

#include <gtest/gtest.h>

namespace morgan::services {
namespace {

net::Request request_of(const std::string& type, std::string body) {
  net::Request request;
  request.body = std::move(body);
  if (!type.empty()) request.headers.emplace("Content-Type", type);
  return request;
}

/// "" when the fields are read, else the error's reason, or its kind where it names none.
std::string refusal_of(const Result<Fields>& fields) {
  if (fields) return "";
  return fields.error().reason.empty() ? std::string(to_string(fields.error().code)) : fields.error().reason;
}

TEST(Fields, ReadJsonWhateverCurlCallsIt) {
  for (const char* type : {"application/json", "application/json; charset=utf-8", "application/vnd.api+json", "",
                           "application/x-www-form-urlencoded", "text/plain"}) {
    const net::Request request = request_of(type, R"({"text":"hello"})");
    const auto fields = Fields::read(request);
    ASSERT_TRUE(fields) << type << ": " << fields.error().message;
    EXPECT_EQ(fields->text("text")->value_or(""), "hello") << type;
  }
}

TEST(Fields, RefuseOtherMediaTypes) {
  for (const char* type : {"application/xml", "text/html", "image/png", "text/plain"}) {
    const net::Request request = request_of(type, "<text>hello</text>");
    EXPECT_EQ(refusal_of(Fields::read(request)), "UNSUPPORTED_MEDIA_TYPE") << type;
    EXPECT_EQ(refusal_of(Fields::read_or_audio(request)), "UNSUPPORTED_MEDIA_TYPE") << type;
  }
  EXPECT_EQ(refusal_of(Fields::read(request_of("image/png", R"({"text":"hello"})"))), "UNSUPPORTED_MEDIA_TYPE");
  EXPECT_EQ(refusal_of(Fields::read(request_of("audio/wav", "RIFF"))), "UNSUPPORTED_MEDIA_TYPE");
  EXPECT_EQ(refusal_of(Fields::read(request_of("", "hello"))), "invalid_argument");
}

TEST(Fields, TakeAudioAsTheBodyWhereThatIsAllowed) {
  for (const char* type : {"audio/wav", "video/webm", "application/octet-stream", "application/ogg"}) {
    const net::Request request = request_of(type, "RIFF");
    const auto fields = Fields::read_or_audio(request);
    ASSERT_TRUE(fields) << type;
    EXPECT_TRUE(fields->body_is_audio()) << type;
  }
}

TEST(Fields, RefuseAFormOfTwoFiles) {
  const std::string file = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n";
  const std::string note = "--x\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nen\r\n";
  const net::Request one = request_of("multipart/form-data; boundary=x", file + note + "--x--\r\n");
  EXPECT_EQ(refusal_of(Fields::read_or_audio(one)), "");
  const net::Request two = request_of("multipart/form-data; boundary=x", file + note + file + "--x--\r\n");
  EXPECT_EQ(refusal_of(Fields::read_or_audio(two)), "invalid_argument");
}

}  // namespace
}  // namespace morgan::services
