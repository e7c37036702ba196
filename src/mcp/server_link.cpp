#include "mcp/server_link.h"

#include "base/log.h"
#include "mcp/http_transport.h"
#include "mcp/protocol.h"
#include "mcp/stdio_transport.h"

#include <algorithm>
#include <set>
#include <utility>

namespace morgan::mcp {

namespace {

constexpr int kMostPages = 64;
constexpr std::size_t kMostAsked = 16;
constexpr std::size_t kMostAbandoned = 64;

}  // namespace

ServerLink::ServerLink(ServerConfig config, std::function<void(const std::vector<RemoteTool>&)> on_tools,
                       LinkTimes times)
    : config_(std::move(config)), on_tools_(std::move(on_tools)), times_(times) {
  thread_ = std::thread([this] { run(); });
}

ServerLink::~ServerLink() {
  begin_stop();
  thread_.join();
}

void ServerLink::begin_stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_.request_stop(StopReason::kShutdown);
  changed_.notify_all();
}

void ServerLink::run() {
  std::chrono::milliseconds pause = times_.first_retry;
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    auto connected = connect();
    if (connected) {
      log::info("mcp", "connected", {{"server", config_.name}, {"tools", std::to_string(status().tools)}});
      serve(*connected);
      if (std::chrono::steady_clock::now() - begin >= times_.steady) pause = times_.first_retry;
    }
    std::unique_lock lock(mutex_);
    transport_.reset();
    status_.connected = false;
    if (!connected) status_.trouble = connected.error().message;
    if (stopping_) return;
    log::warn("mcp", "a server is away",
              {{"server", config_.name}, {"why", status_.trouble}, {"again_in_ms", std::to_string(pause.count())}});
    if (changed_.wait_for(lock, pause, [this] { return stopping_; })) return;
    pause = std::min(2 * pause, times_.last_retry);
  }
}

Result<std::shared_ptr<Transport>> ServerLink::connect() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = list_anew_ = false;
    asked_.clear();
    abandoned_.clear();
  }
  TransportEvents events;
  events.on_message = [this](RpcMessage message) { on_message(std::move(message)); };
  events.on_end = [this](const Error& why) { on_end(why); };
  events.on_abandoned = [this](long long id, std::string_view why) { on_abandoned(id, why); };
  std::shared_ptr<Transport> transport;
  if (config_.url.empty()) {
    MORGAN_TRY(auto started, start_stdio_transport(config_, std::move(events)));
    transport = std::move(started);
  } else {
    transport = make_http_transport(config_, std::move(events));
  }
  MORGAN_CHECK_OK(shake_hands(*transport));
  MORGAN_TRY(const std::vector<RemoteTool> tools, list_tools(*transport));
  {
    const std::scoped_lock lock(mutex_);
    transport_ = transport;
    status_ = {true, "", tools.size(), status_.connections + 1};
  }
  on_tools_(tools);
  return transport;
}

Result<void> ServerLink::shake_hands(Transport& transport) {
  const OrderedJson hello{{"protocolVersion", kNewestSessionVersion},
                          {"capabilities", OrderedJson::object()},
                          {"clientInfo", {{"name", "morgan"}, {"version", "1"}}}};
  MORGAN_TRY(const Json answer, transport.request("initialize", hello, times_.connect, stop_.token()));
  const auto version = json_string(answer, "protocolVersion");
  if (!version || !*version || !is_session_version(**version)) {
    return fail(ErrorCode::kUnsupported,
                "the MCP server '" + config_.name + "' speaks no revision of the protocol that is known here");
  }
  transport.use_version(**version);
  return transport.notify("notifications/initialized", OrderedJson::object());
}

Result<std::vector<RemoteTool>> ServerLink::list_tools(Transport& transport) {
  std::vector<RemoteTool> tools;
  std::set<std::string> cursors;
  OrderedJson params = OrderedJson::object();
  for (int page = 0; page < kMostPages; ++page) {
    MORGAN_TRY(const Json answer, transport.request("tools/list", params, times_.list, stop_.token()));
    const auto list = answer.find("tools");
    if (list == answer.end() || !list->is_array()) {
      return fail(ErrorCode::kCorrupt, "the MCP server '" + config_.name + "' lists no tools");
    }
    for (const Json& tool : *list) {
      if (tools.size() < kMostTools && tool.is_object()) tools.push_back(read_tool(tool));
    }
    const auto next = json_string(answer, "nextCursor");
    // A cursor that comes again would never end.
    if (!next || !*next || !cursors.insert(**next).second) break;
    params["cursor"] = **next;
  }
  std::erase_if(tools, [](const RemoteTool& tool) { return tool.name.empty(); });
  return tools;
}

void ServerLink::serve(const std::shared_ptr<Transport>& transport) {
  for (;;) {
    std::vector<RpcMessage> asked;
    std::vector<OrderedJson> abandoned;
    bool list_anew = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock,
                    [this] { return stopping_ || ended_ || list_anew_ || !asked_.empty() || !abandoned_.empty(); });
      if (stopping_ || ended_) return;
      list_anew = std::exchange(list_anew_, false);
      asked = std::exchange(asked_, {});
      abandoned = std::exchange(abandoned_, {});
    }
    for (const RpcMessage& request : asked)
      answer(*transport, request);
    for (OrderedJson& cancelled : abandoned)
      static_cast<void>(transport->notify("notifications/cancelled", std::move(cancelled)).has_value());
    if (!list_anew) continue;
    const auto tools = list_tools(*transport);
    if (!tools) {
      log::warn("mcp", "changed tools could not be listed", {{"server", config_.name}, {"why", tools.error().message}});
      continue;
    }
    {
      const std::scoped_lock lock(mutex_);
      status_.tools = tools->size();
    }
    on_tools_(*tools);
  }
}

/// Servers may ask whether we are still here; everything else was not offered to them.
void ServerLink::answer(Transport& transport, const RpcMessage& request) {
  const OrderedJson message =
      request.method == "ping"
          ? result_message(request.id, OrderedJson::object())
          : error_message(request.id, {kMethodNotFound, "this client has no '" + request.method + "'", nullptr});
  if (const auto sent = transport.respond(message); !sent) on_end(sent.error());
}

void ServerLink::on_message(RpcMessage message) {
  const std::scoped_lock lock(mutex_);
  if (message.kind == RpcMessage::Kind::kRequest && asked_.size() < kMostAsked) {
    asked_.push_back(std::move(message));
  } else if (message.method == "notifications/tools/list_changed") {
    list_anew_ = true;
  } else {
    return;
  }
  changed_.notify_all();
}

/// Told by the link's thread: whoever gave up has something better to do than to wait for a server that hangs.
void ServerLink::on_abandoned(long long id, std::string_view why) {
  const std::scoped_lock lock(mutex_);
  if (abandoned_.size() < kMostAbandoned) abandoned_.push_back({{"requestId", id}, {"reason", why}});
  changed_.notify_all();
}

void ServerLink::on_end(const Error& why) {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  status_.connected = false;
  status_.trouble = why.message;
  changed_.notify_all();
}

Result<RemoteResult> ServerLink::call(std::string_view tool, const Json& arguments, const StopToken& stop) {
  std::shared_ptr<Transport> transport;
  {
    const std::scoped_lock lock(mutex_);
    if (!transport_ || ended_) {
      return fail(ErrorCode::kUnavailable, "the MCP server '" + config_.name + "' is away" +
                                               (status_.trouble.empty() ? "" : ": " + status_.trouble));
    }
    transport = transport_;
  }
  auto answer =
      transport->request("tools/call", {{"name", tool}, {"arguments", OrderedJson(arguments)}}, config_.timeout, stop);
  if (answer) return read_result(*answer);
  const Error& why = answer.error();
  // Then there is no connection, or no session, and another is to be made.
  if (why.code == ErrorCode::kUnavailable || why.reason == "SESSION_ENDED") on_end(why);
  return fail(why);
}

LinkStatus ServerLink::status() const {
  const std::scoped_lock lock(mutex_);
  return status_;
}

}  // namespace morgan::mcp
