// What Morgan reads in a WebRTC offer, and changes in it and in its answer, before libdatachannel sees it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace morgan::net {

/// The offer without the peer's addresses.
std::string without_candidates(std::string_view sdp);

/// How many tracks and data channels it has.
std::size_t count_media(std::string_view sdp);

/// The answer with a further candidate beside each of IPv4: the same port at this address.
std::string with_advertised(std::string_view sdp, std::string_view address);

}  // namespace morgan::net
