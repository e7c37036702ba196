#include "net/sse.h"

namespace morgan::net {
namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

Events parse(std::string_view text, std::size_t step) {
  Events events;
  SseParser parser([&](std::string_view event, std::string_view data) { events.emplace_back(event, data); });
  for (std::size_t i = 0; i < text.size(); i += step)
    parser.push(text.substr(i, step));
  return events;
}

TEST(Sse, PrintsAnEvent) {
  EXPECT_EQ(sse_event("{\"a\":1}"), "data: {\"a\":1}\n\n");
  EXPECT_EQ(sse_event("x", "delta"), "event: delta\ndata: x\n\n");
  EXPECT_EQ(sse_event("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(sse_event(""), "data: \n\n");
}

TEST(Sse, ReadsWhatItPrintsHoweverItIsCut) {
  const std::string text = sse_event("one") + sse_event("two\nlines", "named") + sse_event("") + sse_event("[DONE]");
  const Events expected = {{"", "one"}, {"named", "two\nlines"}, {"", ""}, {"", "[DONE]"}};
  for (const std::size_t step : {1U, 2U, 3U, 7U, 1000U})
    EXPECT_EQ(parse(text, step), expected) << step;
}

TEST(Sse, KnowsAllThreeLineEnds) {
  const std::string text = "data: a\r\n\r\ndata: b\r\rdata: c\n\n";
  const Events expected = {{"", "a"}, {"", "b"}, {"", "c"}};
  for (const std::size_t step : {1U, 2U, 5U, 1000U})
    EXPECT_EQ(parse(text, step), expected) << step;
}

TEST(Sse, IgnoresCommentsUnknownFieldsAndTheByteOrderMark) {
  const Events expected = {{"", "x"}};
  EXPECT_EQ(parse("\xEF\xBB\xBF: keep-alive\n\nid: 7\nretry: 5\ndata:x\n\nevent: lonely\n\n", 3), expected);
}

TEST(Sse, AnEventWithoutItsEmptyLineIsNotGiven) {
  EXPECT_TRUE(parse("data: x\n", 100).empty());
}

TEST(Sse, DropsAnEventOverFourMegabytesAndGoesOn) {
  const std::string large = "data: " + std::string(3U << 20U, 'x') + "\n";
  const Events expected = {{"", "after"}};
  EXPECT_EQ(parse(large + large + "data: more\n\ndata: after\n\n", 65'536), expected);
  EXPECT_EQ(parse("data: " + std::string(5U << 20U, 'x') + "\ndata: y\n\ndata: after\n\n", 65'536), expected);
}

}  // namespace
}  // namespace morgan::net
