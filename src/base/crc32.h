// CRC-32 as in zlib and PNG: finds what a disk or a power cut spoiled, not what somebody changed on purpose.
#pragma once

#include <cstdint>
#include <string_view>

namespace morgan {

std::uint32_t crc32(std::string_view bytes);

}  // namespace morgan
