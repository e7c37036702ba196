// What every store refuses alike, before it asks its database.
#pragma once

#include "stores/conversation_store.h"

namespace morgan::stores {

/// @error kInvalidArgument  empty, longer than 256 bytes, or not UTF-8
Result<void> check_user(const std::string& user_id);

/// The user, and messages that can be stored: known roles, UTF-8, metadata a JSON object or empty.
/// @error kInvalidArgument
Result<void> check_append(const std::string& user_id, const std::vector<StoredMessage>& messages);

/// @error kInvalidArgument
Result<void> check_amend(const std::string& user_id, const std::string& content, const std::string& metadata);

/// @error kInvalidArgument
Result<void> check_profile(const std::string& user_id, const std::string& json);

/// The messages with what the store sets: ids, times, metadata. @param now  ISO 8601
std::vector<StoredMessage> completed(std::vector<StoredMessage> messages, const std::string& now);

}  // namespace morgan::stores
