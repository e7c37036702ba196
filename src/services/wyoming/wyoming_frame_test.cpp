#include "services/wyoming/wyoming_frame.h"

namespace morgan::services {
namespace {

std::vector<WyomingEvent> read_all(WyomingReader& reader) {
  std::vector<WyomingEvent> events;
  for (;;) {
    auto next = reader.next();
    EXPECT_TRUE(next) << next.error().message;
    if (!next || !*next) return events;
    events.push_back(std::move(**next));
  }
}

Error error_of(std::string_view bytes) {
  WyomingReader reader;
  reader.push(bytes);
  for (;;) {
    auto next = reader.next();
    if (!next) return next.error();
    if (!*next) return {ErrorCode::kInternal, "nothing was refused"};
  }
}

TEST(WyomingFrame, ReadsBothFormsOfDataAndThePayload) {
  WyomingReader reader;
  reader.push("{\"type\":\"a\",\"data\":{\"x\":1,\"y\":1},\"data_length\":7,\"payload_length\":3}\n{\"y\":2}pcm");
  reader.push("{\"type\":\"b\"}\n{\"type\":\"c\",\"data\":null,\"data_length\":null,\"version\":\"1\"}\n");
  const auto events = read_all(reader);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].type, "a");
  EXPECT_EQ(events[0].data, (Json{{"x", 1}, {"y", 2}}));
  EXPECT_EQ(events[0].payload, "pcm");
  EXPECT_EQ(events[1].type, "b");
  EXPECT_TRUE(events[2].data.empty() && events[2].data.is_object());
}

TEST(WyomingFrame, AnyCutOfTheBytesGivesTheSameEvents) {
  const WyomingEvent chunk{"audio-chunk", {{"rate", 16000}, {"text", "\u00e9\n"}}, std::string("\0\n{}\xff", 5)};
  const std::string bytes = frame_of(chunk) + frame_of({"ping"}) + frame_of(chunk);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    WyomingReader reader;
    std::vector<WyomingEvent> events;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.push(std::string_view(bytes).substr(at, piece));
      for (auto& event : read_all(reader))
        events.push_back(std::move(event));
    }
    ASSERT_EQ(events.size(), 3U) << "pieces of " << piece;
    EXPECT_EQ(events[2].data, chunk.data);
    EXPECT_EQ(events[2].payload, chunk.payload);
  }
}

TEST(WyomingFrame, WritesWhatTheReferenceReads) {
  EXPECT_EQ(frame_of({"pong"}), "{\"type\":\"pong\"}\n");
  EXPECT_EQ(frame_of({"x", {{"a", 1}}, "12"}), "{\"type\":\"x\",\"data_length\":7,\"payload_length\":2}\n{\"a\":1}12");
}

TEST(WyomingFrame, RefusesWhatIsNoEvent) {
  for (const char* bytes :
       {"hello\n", "\n", "[1]\n", "{}\n", "{\"type\":5}\n", "{\"type\":\"a\",\"data\":[]}\n",
        "{\"type\":\"a\",\"data_length\":2}\n[]", "{\"type\":\"a\",\"data_length\":3}\n{x}",
        "{\"type\":\"a\",\"data\":{\"x\":NaN}}\n", "{\"type\":\"\xff\"}\n", "{\"type\":\"\\ud800\"}\n"}) {
    EXPECT_EQ(error_of(bytes).reason, "invalid-json") << bytes;
  }
  const std::string deep = "{\"type\":\"a\",\"data\":{\"x\":" + std::string(10'000, '[') + "}}\n";
  EXPECT_EQ(error_of(deep).reason, "invalid-json");
}

TEST(WyomingFrame, RefusesLengthsThatCannotBe) {
  for (const char* length : {"-1", "1.5", "true", "\"5\"", "[]"}) {
    for (const char* name : {"data_length", "payload_length"}) {
      const std::string line = std::string("{\"type\":\"a\",\"") + name + "\":" + length + "}\n";
      EXPECT_EQ(error_of(line).reason, "invalid-length") << line;
    }
  }
}

TEST(WyomingFrame, RefusesWhatIsTooLargeBeforeItComes) {
  EXPECT_EQ(error_of(std::string(WyomingReader::kMaxLine + 1, ' ')).reason, "too-large");
  EXPECT_EQ(error_of("{\"type\":\"a\",\"data_length\":1048577}\n").reason, "too-large");
  EXPECT_EQ(error_of("{\"type\":\"a\",\"payload_length\":1048577}\n").reason, "too-large");
  EXPECT_EQ(error_of("{\"type\":\"a\",\"payload_length\":18446744073709551615}\n").reason, "too-large");
  // As large as may be.
  WyomingReader reader;
  reader.push("{\"type\":\"a\",\"payload_length\":1048576}\n" + std::string(1'048'576, 'x'));
  EXPECT_EQ(read_all(reader).size(), 1U);
}

}  // namespace
}  // namespace morgan::services
