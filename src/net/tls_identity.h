// The certificate by which a server proves who it is, and its key: two PEM files. When they change on disk, connections
// that begin later get the new ones; nothing has to be restarted.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <memory>

namespace morgan::net {

/// @thread any
class TlsIdentity {
 public:
  /// @param certificate  PEM: the server's own first, then those that signed it   @param key  PEM, without a pass
  /// phrase
  /// @error kNotFound  a file is not there   @error kInvalidArgument  not PEM, or the key is another certificate's
  static Result<std::shared_ptr<TlsIdentity>> load(std::filesystem::path certificate, std::filesystem::path key);
  virtual ~TlsIdentity() = default;

  /// Reads the files again, now. After an error the ones before stay in use. @error as load()
  virtual Result<void> reload() = 0;
};

}  // namespace morgan::net
