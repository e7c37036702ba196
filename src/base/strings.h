// Small text helpers shared by every layer. Bytes, not characters, unless a name says otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morgan {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string to_lower_ascii(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b);

/// Decimal number that fills the whole text, else nullopt. NaN and infinity are refused.
std::optional<double> parse_double(std::string_view text);
std::optional<long long> parse_integer(std::string_view text);

/// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates; RFC 3629).
bool is_valid_utf8(std::string_view bytes);

/// Keeps at most so many bytes, and no part of a character. @param text  well-formed UTF-8
void cut_utf8(std::string& text, std::size_t most_bytes);

/// The known name closest to `wanted` by edit distance, when close enough to be a likely typing
/// error; for "did you mean" in messages.
std::optional<std::string> nearest_name(std::string_view wanted, std::span<const std::string> known);

/// " (did you mean 'x'?)" or "".
std::string did_you_mean(std::string_view wanted, std::span<const std::string> known);

/// "1.4 GB", "512 kB": powers of 1000, three digits at most.
std::string human_bytes(std::uint64_t bytes);

/// Lower-case hexadecimal.
std::string to_hex(std::span<const unsigned char> bytes);

}  // namespace morgan
