#include "stores/message_checks.h"

#include "base/ids.h"
#include "base/json_util.h"
#include "base/strings.h"

namespace morgan::stores {

namespace {

constexpr std::size_t kMaxUserIdBytes = 256;
constexpr std::array<std::string_view, 4> kRoles{"system", "user", "assistant", "tool"};

Failure refused(const char* param, const char* message) {
  return fail({ErrorCode::kInvalidArgument, message, "", param});
}

Result<void> check_text(const std::string& content, const std::string& metadata) {
  if (!is_valid_utf8(content)) return refused("content", "a message's text must be UTF-8");
  if (metadata.empty() || metadata == "{}") return {};
  if (!parse_json_object(metadata)) return refused("metadata", "a message's metadata must be a JSON object");
  return {};
}

}  // namespace

Result<void> check_user(const std::string& user_id) {
  if (user_id.empty() || user_id.size() > kMaxUserIdBytes || !is_valid_utf8(user_id)) {
    return refused("user_id", "a user id must have 1 to 256 bytes of UTF-8");
  }
  return {};
}

Result<void> check_append(const std::string& user_id, const std::vector<StoredMessage>& messages) {
  MORGAN_CHECK_OK(check_user(user_id));
  if (messages.empty()) return fail(ErrorCode::kInvalidArgument, "there is no message to store");
  for (const StoredMessage& message : messages) {
    if (std::find(kRoles.begin(), kRoles.end(), message.role) == kRoles.end()) {
      return refused("role", "a message's role must be one of system, user, assistant, tool");
    }
    MORGAN_CHECK_OK(check_text(message.content, message.metadata));
  }
  return {};
}

Result<void> check_amend(const std::string& user_id, const std::string& content, const std::string& metadata) {
  MORGAN_CHECK_OK(check_user(user_id));
  return check_text(content, metadata);
}

Result<void> check_profile(const std::string& user_id, const std::string& json) {
  MORGAN_CHECK_OK(check_user(user_id));
  if (!parse_json_object(json)) return refused("profile", "a profile must be a JSON object");
  return {};
}

std::vector<StoredMessage> completed(std::vector<StoredMessage> messages, const std::string& now) {
  for (StoredMessage& message : messages) {
    if (message.id.empty()) message.id = random_id("msg_");
    if (message.created_at.empty()) message.created_at = now;
    if (message.metadata.empty()) message.metadata = "{}";
  }
  return messages;
}

}  // namespace morgan::stores
