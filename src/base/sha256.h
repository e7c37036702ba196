// sha256 of bytes, and the comparison of two digests that tells nothing by how long it takes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace morgan {

/// @source FIPS 180-4, by OpenSSL
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void update(std::string_view bytes);
  /// Lower-case hexadecimal. Call once.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Lower-case hexadecimal.
std::string sha256_hex(std::string_view bytes);

/// As long for unequal texts as for equal ones of the same length.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace morgan
