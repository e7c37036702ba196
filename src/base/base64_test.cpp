#include "base/base64.h"

namespace morgan {
namespace {

TEST(Base64, AgreesWithTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64_encode(plain), coded);
    const Result<std::string> decoded = base64_decode(coded);
    ASSERT_TRUE(decoded) << coded;
    EXPECT_EQ(*decoded, plain);
  }
}

TEST(Base64, TakesWhatBrowsersSend) {
  EXPECT_EQ(*base64_decode("data:audio/wav;base64,Zm9vYg=="), "foob");
  EXPECT_EQ(*base64_decode("Zm9v\r\nYg"), "foob");
}

TEST(Base64, RefusesOtherCharactersAndLengths) {
  for (const char* text : {"Zm9*", "Zm9vY", "data:nothing", "\xC3\xA9\xC3\xA9"}) {
    const Result<std::string> decoded = base64_decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace morgan
