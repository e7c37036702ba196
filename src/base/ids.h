// Random identifiers from the kernel's generator.
#pragma once

#include <string>
#include <string_view>

namespace morgan {

/// prefix + 24 characters of [a-z0-9], about 124 bits: "req_4k1...", "conv_9x...".
std::string random_id(std::string_view prefix);

}  // namespace morgan
