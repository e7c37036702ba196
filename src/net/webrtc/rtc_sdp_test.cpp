#include "net/webrtc/rtc_sdp.h"

#include <gtest/gtest.h>

namespace morgan::net {
namespace {

constexpr const char* kHost4 = "a=candidate:1 1 UDP 2122317823 172.17.0.2 40000 typ host\r\n";
constexpr const char* kHost6 = "a=candidate:2 1 UDP 2122317567 fd00::2 40000 typ host\r\n";

TEST(RtcSdpTest, AnOfferLosesItsAddressesAndNothingElse) {
  const std::string offer = std::string("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n") + kHost4 + kHost6 +
                            "a=candidate:3 1 udp 2 evil.example 53 typ host\r\na=end-of-candidates\r\na=mid:0\r\n";
  EXPECT_EQ(without_candidates(offer), "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n");
}

TEST(RtcSdpTest, BareLineEndsWillDo) {
  EXPECT_EQ(without_candidates("v=0\na=mid:0\n\n"), "v=0\r\na=mid:0\r\n");
  EXPECT_EQ(without_candidates(""), "");
}

TEST(RtcSdpTest, MediaAreCounted) {
  EXPECT_EQ(count_media("v=0\r\nm=audio 9 X 0\r\na=m=1\r\nm=application 9 X y\r\n"), 2U);
  EXPECT_EQ(count_media(""), 0U);
}

TEST(RtcSdpTest, TheAdvertisedAddressIsAFurtherCandidate) {
  const std::string answer = std::string("v=0\r\n") + kHost4 + kHost6 + "a=end-of-candidates\r\n";
  EXPECT_EQ(with_advertised(answer, "192.0.2.7"), std::string("v=0\r\n") + kHost4 +
                                                      "a=candidate:19 1 UDP 2122317823 192.0.2.7 40000 typ host\r\n" +
                                                      kHost6 + "a=end-of-candidates\r\n");
}

TEST(RtcSdpTest, WhatIsNoCandidateStays) {
  EXPECT_EQ(with_advertised("a=candidate:1 1 UDP\r\n", "192.0.2.7"), "a=candidate:1 1 UDP\r\n");
  EXPECT_EQ(with_advertised("a=candidate:1 1 UDP 5 198.51.100.1 4 typ srflx\r\n", "192.0.2.7"),
            "a=candidate:1 1 UDP 5 198.51.100.1 4 typ srflx\r\n");
}

}  // namespace
}  // namespace morgan::net
