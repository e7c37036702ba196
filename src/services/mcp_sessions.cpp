#include "services/mcp_sessions.h"

#include "base/ids.h"

#include <algorithm>
#include <utility>

namespace morgan::services {

Result<std::shared_ptr<const std::atomic<bool>>> McpSession::begin(const Json& id) {
  auto flag = std::make_shared<std::atomic<bool>>(false);
  const std::scoped_lock lock(mutex_);
  if (!running_.emplace(dump_json(id), flag).second) {
    return fail(ErrorCode::kConflict, "a request with this id is still being worked on");
  }
  return std::shared_ptr<const std::atomic<bool>>(std::move(flag));
}

void McpSession::end(const Json& id) {
  const std::scoped_lock lock(mutex_);
  running_.erase(dump_json(id));
}

void McpSession::cancel(const Json& id) {
  const std::scoped_lock lock(mutex_);
  if (const auto call = running_.find(dump_json(id)); call != running_.end()) call->second->store(true);
}

void McpSession::cancel_all() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, flag] : running_)
    flag->store(true);
}

Result<std::string> McpSessions::open(const std::string& version, Clock::time_point now) {
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
  sessions_[id] = {std::make_shared<McpSession>(version), now};
  return id;
}

std::shared_ptr<McpSession> McpSessions::find(const std::string& id, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  forget_silent(now);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return nullptr;
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
