#include "services/mcp_sessions.h"

#include "base/ids.h"

#include <algorithm>
#include <utility>

namespace morgan::services {

Result<StopToken> McpSession::begin(const Json& id, const StopToken& parent) {
  const std::scoped_lock lock(mutex_);
  const auto [call, is_new] = running_.try_emplace(dump_json(id), parent);
  if (!is_new) return fail(ErrorCode::kConflict, "a request with this id is still being worked on");
  return call->second.token();
}

void McpSession::end(const Json& id) {
  const std::scoped_lock lock(mutex_);
  running_.erase(dump_json(id));
}

void McpSession::cancel(const Json& id) {
  const std::scoped_lock lock(mutex_);
  if (const auto call = running_.find(dump_json(id)); call != running_.end())
    call->second.request_stop(StopReason::kClientGone);
}

void McpSession::cancel_all() {
  const std::scoped_lock lock(mutex_);
  for (auto& [id, call] : running_)
    call.request_stop(StopReason::kClientGone);
}

Result<std::string> McpSessions::open(const std::string& owner, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  forget_silent(now);
  if (sessions_.size() >= kMost) {
    const auto oldest = std::min_element(sessions_.begin(), sessions_.end(),
                                         [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    if (now - oldest->second.used < kMayGoAfter) {
      return fail(ErrorCode::kOverloaded, "there are 1000 MCP sessions, no more are taken; end one with DELETE");
    }
    sessions_.erase(oldest);
  }
  std::string id = random_id("mcp_");
  sessions_[id] = {owner, std::make_shared<McpSession>(), now};
  return id;
}

std::shared_ptr<McpSession> McpSessions::find(const std::string& id, const std::string& owner, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  forget_silent(now);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.owner != owner) return nullptr;
  found->second.used = now;
  return found->second.session;
}

bool McpSessions::close(const std::string& id) {
  std::shared_ptr<McpSession> session;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return false;
    session = std::move(found->second.session);
    sessions_.erase(found);
  }
  session->cancel_all();
  return true;
}

std::size_t McpSessions::size() const {
  const std::scoped_lock lock(mutex_);
  return sessions_.size();
}

void McpSessions::forget_silent(Clock::time_point now) {
  std::erase_if(sessions_, [now](const auto& entry) { return now - entry.second.used >= kGoesAfter; });
}

}  // namespace morgan::services
