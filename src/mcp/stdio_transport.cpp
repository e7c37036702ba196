#include "mcp/stdio_transport.h"

#include "base/log.h"
#include "mcp/stdio_process.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace morgan::mcp {

namespace {

/// A stop token cannot wake a waiter, so a waiter looks at it this often.
constexpr std::chrono::milliseconds kStopCheck{20};

class StdioTransport final : public Transport {
 public:
  StdioTransport(std::string name, TransportEvents events) : name_(std::move(name)), events_(std::move(events)) {}
  ~StdioTransport() override { process_.reset(); }

  Result<void> start(const ServerConfig& config) {
    ProcessStart start;
    start.name = config.name;
    start.command = {config.command};
    start.command.insert(start.command.end(), config.args.begin(), config.args.end());
    start.env = config.env;
    start.most_line = kMostMessage;
    ProcessEvents events;
    events.on_line = [this](std::string_view line) { take(line); };
    events.on_too_long = [this] {
      fail_all({ErrorCode::kTooLarge, "the MCP server '" + name_ + "' answered more than 4 MB"});
    };
    events.on_end = [this](const Error& why) { end(why); };
    MORGAN_TRY(process_, StdioProcess::start(start, std::move(events)));
    return {};
  }

  Result<Json> request(std::string_view method, OrderedJson params, std::chrono::milliseconds timeout,
                       const StopToken& stop) override {
    long long id = 0;
    {
      const std::scoped_lock lock(mutex_);
      if (ended_) return fail(*ended_);
      id = ++last_id_;
      waiting_.emplace(id, std::nullopt);
    }
    auto written = process_->write_line(dump_json(request_message(id, method, std::move(params))));
    if (!written) {
      const std::scoped_lock lock(mutex_);
      waiting_.erase(id);
      return fail(std::move(written).error());
    }
    return wait_for(id, timeout, stop);
  }

  Result<void> notify(std::string_view method, OrderedJson params) override {
    return process_->write_line(dump_json(notification_message(method, std::move(params))));
  }

  Result<void> respond(const OrderedJson& message) override { return process_->write_line(dump_json(message)); }

 private:
  Result<Json> wait_for(long long id, std::chrono::milliseconds timeout, const StopToken& stop) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto found = waiting_.find(id);
      if (found->second) {
        Result<Json> answer = std::move(*found->second);
        waiting_.erase(found);
        return answer;
      }
      const bool late = std::chrono::steady_clock::now() >= deadline;
      if (late || stop.stop_requested()) {
        waiting_.erase(found);
        lock.unlock();
        events_.on_abandoned(id, late ? "time-out" : "stopped");
        if (!late) return fail(stop.error());
        return fail(ErrorCode::kDeadlineExceeded,
                    "the MCP server '" + name_ + "' did not answer within " + std::to_string(timeout.count()) + " ms");
      }
      answered_.wait_for(lock, kStopCheck);
    }
  }

  void take(std::string_view line) {
    if (line.empty() || line == "\r") return;
    auto parsed = parse_message(line);
    RpcMessage* message = std::get_if<RpcMessage>(&parsed);
    if (message == nullptr) {
      // Programs print to the wrong place; that is no reason to end them.
      return log::debug("mcp", "a server wrote a line that is no message", {{"server", name_}});
    }
    if (message->kind != RpcMessage::Kind::kResponse) return events_.on_message(std::move(*message));
    if (!message->id.is_number_integer()) return;
    const std::scoped_lock lock(mutex_);
    const auto found = waiting_.find(message->id.get<long long>());
    if (found == waiting_.end()) return;  // too late
    if (message->error) {
      found->second = Result<Json>(fail(error_of(*message->error, name_)));
    } else {
      found->second = Result<Json>(std::move(message->result));
    }
    answered_.notify_all();
  }

  void fail_all(const Error& why) {
    const std::scoped_lock lock(mutex_);
    for (auto& [id, answer] : waiting_) {
      if (!answer) answer = Result<Json>(fail(why));
    }
    answered_.notify_all();
  }

  void end(const Error& why) {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = why;
    }
    fail_all(why);
    events_.on_end(why);
  }

  const std::string name_;
  const TransportEvents events_;
  std::mutex mutex_;  // guards what follows, but process_
  std::condition_variable answered_;
  long long last_id_ = 0;
  std::map<long long, std::optional<Result<Json>>> waiting_;
  std::optional<Error> ended_;
  std::unique_ptr<StdioProcess> process_;  // last: its thread uses the rest
};

}  // namespace

Result<std::unique_ptr<Transport>> start_stdio_transport(const ServerConfig& config, TransportEvents events) {
  auto transport = std::make_unique<StdioTransport>(config.name, std::move(events));
  MORGAN_CHECK_OK(transport->start(config));
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace morgan::mcp
