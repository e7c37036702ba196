// A server's side of one connection at a time, by the server's own code: bytes go in through a pair of sockets, and the
// caller's thread runs all of it. No port, and no thread that could make a run differ from the one before.
#pragma once

#include "net/http_connection.h"
#include "net/server_context.h"

#include <memory>
#include <string>
#include <string_view>

namespace morgan::fuzz {

class LoneConnection {
 public:
  /// @param routes  all of them kInline
  LoneConnection(net::ServerOptions options, net::Router routes);

  /// Sends `opening` at once and waits until the server has dealt with it; then the rest, `piece` bytes at a time, each
  /// dealt with before the next; then the end of sending. Ends the program when the server does not end the connection.
  /// @return all that it answered
  std::string exchange(std::string_view opening, std::string_view rest, std::size_t piece);
  /// The server did not notice that the client had gone, so that it was cut off, as a deadline does later. Only for a
  /// WebSocket that the server was closing may this be so.
  bool was_cut() const { return cut_; }

 private:
  void send(std::string_view bytes) const;
  void settle();

  std::unique_ptr<net::ServerContext> context_;
  int client_ = -1;  // our end of the pair
  std::string answered_;
  bool cut_ = false;
};

/// How many bytes make a piece: by a byte of the input, so that the fuzzer chooses.
std::size_t piece_of(unsigned char choice);

}  // namespace morgan::fuzz
