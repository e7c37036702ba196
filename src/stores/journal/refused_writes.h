// Writes that the database refuses for ever, kept beside the journal for a person to look at. Private to this folder.
#pragma once

#include "base/result.h"

#include <filesystem>
#include <string_view>

namespace morgan::stores {

/// Adds a line; durable when it returns. The file is made for its owner only. After a kill a line may be there twice.
/// @error kUnavailable  nothing was added
Result<void> keep_refused(const std::filesystem::path& file, std::string_view record);

}  // namespace morgan::stores
