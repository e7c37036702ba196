#include "base/crc32.h"

#include <gtest/gtest.h>

namespace morgan {
namespace {

TEST(Crc32, IsTheOneOfZlib) {
  // The check value of the catalogue of CRCs.
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_NE(crc32("123456788"), crc32("123456789"));
}

}  // namespace
}  // namespace morgan
