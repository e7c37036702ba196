// The tools that Morgan brings along, each added to the registry under its own name; docs/tools.md lists them.
#pragma once

#include "stores/item_store.h"
#include "tools/timer_service.h"
#include "tools/tool_registry.h"

#include <cctz/time_zone.h>

#include <string>

namespace morgan::tools {

/// What the built-in tools know of their place. The stores and services outlive the tools.
struct BuiltinParts {
  cctz::time_zone zone;
  stores::ItemStore* items = nullptr;
  TimerService* timers = nullptr;
};

/// time, date.
Result<void> add_clock_tools(ToolRegistry& registry, const BuiltinParts& parts);
/// calculate, convert.
Result<void> add_number_tools(ToolRegistry& registry);
/// timer_set, timer_list, timer_cancel, reminder_set, reminder_list, reminder_cancel.
Result<void> add_timer_tools(ToolRegistry& registry, const BuiltinParts& parts);
/// note_add, note_list, note_delete, list_add, list_show, list_remove, list_clear.
Result<void> add_note_tools(ToolRegistry& registry, const BuiltinParts& parts);
/// What a note or an entry of a list says; with "list", which list that is. "" when it cannot be read.
std::string kept_text(const stores::StoredItem& item, const char* field = "text");
/// All of them.
Result<void> add_builtin_tools(ToolRegistry& registry, const BuiltinParts& parts);

}  // namespace morgan::tools
