// One MCP server that Morgan uses: connects in the background, knows its tools, keeps the list right when it changes,
// and connects again when it has gone, later each time. A call never waits for a connection.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "mcp/remote_tool.h"
#include "mcp/transport.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace morgan::mcp {

struct LinkTimes {
  std::chrono::milliseconds connect{60'000};  ///< a program may have to be fetched first
  std::chrono::milliseconds list{30'000};
  std::chrono::milliseconds first_retry{500};  ///< twice as long each time
  std::chrono::milliseconds last_retry{60'000};
  std::chrono::milliseconds steady{30'000};  ///< who was there for so long is tried again soon
};

struct LinkStatus {
  bool connected = false;
  std::string trouble;  ///< why not; "": not tried yet
  std::size_t tools = 0;
  std::uint64_t connections = 0;  ///< so far
};

/// @thread any
class ServerLink {
 public:
  /// Tools of one server; more are left out.
  static constexpr std::size_t kMostTools = 256;

  /// @param on_tools  called with all tools, each time they are read; from the link's thread
  ServerLink(ServerConfig config, std::function<void(const std::vector<RemoteTool>&)> on_tools, LinkTimes times = {});
  /// Ends the connection, and the program. No call may run any more.
  ~ServerLink();
  /// The destructor, begun: it then waits less. Idempotent.
  void begin_stop();
  ServerLink(const ServerLink&) = delete;
  ServerLink& operator=(const ServerLink&) = delete;

  /// @param arguments  a JSON object
  /// @error kUnavailable  it is away just now   @error as Transport::request
  Result<RemoteResult> call(std::string_view tool, const Json& arguments, const StopToken& stop);

  LinkStatus status() const;
  const std::string& name() const { return config_.name; }
  std::chrono::milliseconds timeout() const { return config_.timeout; }

 private:
  void run();
  Result<std::shared_ptr<Transport>> connect();
  Result<void> shake_hands(Transport& transport);
  Result<std::vector<RemoteTool>> list_tools(Transport& transport);
  void serve(const std::shared_ptr<Transport>& transport);
  void on_message(RpcMessage message);
  void on_abandoned(long long id, std::string_view why);
  void on_end(const Error& why);
  void answer(Transport& transport, const RpcMessage& request);

  const ServerConfig config_;
  const std::function<void(const std::vector<RemoteTool>&)> on_tools_;
  const LinkTimes times_;
  StopSource stop_;  // of what the link's thread waits for

  mutable std::mutex mutex_;  // guards what follows, but thread_
  std::condition_variable changed_;
  bool stopping_ = false;
  bool ended_ = false;  // the connection
  bool list_anew_ = false;
  std::vector<RpcMessage> asked_;         // by the server, not answered yet
  std::vector<OrderedJson> abandoned_;    // calls that the server is to be told of
  std::shared_ptr<Transport> transport_;  // shared with the calls that run; null: it is away
  LinkStatus status_;
  std::thread thread_;
};

}  // namespace morgan::mcp
