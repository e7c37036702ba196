#include "services/wyoming/speakable_text.h"

namespace morgan::services {
namespace {

TEST(SpeakableText, KeepsTheTextOfSsml) {
  EXPECT_EQ(text_of_ssml("<speak>Salt &amp; pepper<break time=\"1s\"/>caf&#233; &#xE9;</speak>"),
            "Salt & pepper caf\u00e9 \u00e9");
  EXPECT_EQ(text_of_ssml("no tags at all"), "no tags at all");
}

TEST(SpeakableText, SurvivesWhatIsNoSsml) {
  EXPECT_EQ(text_of_ssml("a < b"), "a");
  EXPECT_EQ(text_of_ssml("fish & chips &unknown; &#xD800; &#0; &#; &#99999999;"),
            "fish & chips &unknown; &#xD800; &#0; &#; &#99999999;");
  EXPECT_EQ(text_of_ssml("<"), "");
  EXPECT_EQ(text_of_ssml("&"), "&");
}

}  // namespace
}  // namespace morgan::services
