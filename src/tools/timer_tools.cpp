#include "tools/builtin_tools.h"
#include "tools/local_time.h"
#include "tools/schema.h"
#include "tools/spoken_form.h"
#include "tools/spoken_words.h"
#include "tools/time_phrases.h"
#include "tools/timer_words.h"

#include "base/log.h"
#include "base/strings.h"

#include <algorithm>
#include <cmath>

namespace morgan::tools {

namespace {

constexpr long long kMostTimerSeconds = 30LL * 86'400;
/// What may be said: what is too long for a timer is answered in words, not by the schema.
constexpr long long kMostSaidSeconds = 3'660LL * 86'400;

/// "pasta timer", "10 minute timer".
std::string timer_name(const Timer& timer) {
  if (!timer.label.empty()) return timer.label + " timer";
  std::string length = duration_words(timer.length_seconds);
  if (length.ends_with('s')) length.pop_back();
  return length + " timer";
}

Json timer_json(const Timer& timer, const cctz::time_zone& zone) {
  return {{"id", timer.id},
          {"kind", std::string(to_string(timer.kind))},
          {"label", timer.label},
          {"due", iso_text(local_time(timer.due, zone))}};
}

std::vector<Timer> of_kind(const TimerService& timers, const std::string& user_id, TimerKind kind) {
  std::vector<Timer> all = timers.list(user_id);
  std::erase_if(all, [kind](const Timer& timer) { return timer.kind != kind; });
  return all;
}

/// Taking something back is nobody's question, so nobody is there to be told that it did not work.
void log_undo(const Result<void>& undone) {
  if (!undone) log::error("tools", "a timer could not be taken back", {{"why", undone.error().message}});
}

ToolResult set_result(TimerService& timers, const Timer& timer, std::string spoken, const cctz::time_zone& zone) {
  ToolResult result{std::move(spoken), timer_json(timer, zone)};
  // The turn goes on, and says anew what is wanted.
  result.undo = [&timers, timer] {
    const auto cancelled = timers.cancel(timer.user_id, timer.id);
    if (!cancelled && cancelled.error().code != ErrorCode::kNotFound) log_undo(fail(cancelled.error()));
  };
  return result;
}

Result<ToolResult> set_timer(const Json& arguments, const ToolContext& context, const BuiltinParts& parts) {
  const auto seconds = arguments.value("seconds", 0LL);
  if (seconds > kMostTimerSeconds) {
    return fail({ErrorCode::kInvalidArgument, "A timer runs for 30 days at most. A reminder can be later than that.",
                 "", "seconds"});
  }
  const std::string label = arguments.value("label", std::string());
  MORGAN_TRY(const Timer timer, parts.timers->set(context.user_id, TimerKind::kTimer, label,
                                                  parts.timers->now() + std::chrono::seconds(seconds)));
  const std::string name = label.empty() ? "timer" : label + " timer";
  return set_result(*parts.timers, timer,
                    "The " + name + " is set for " + duration_words(static_cast<double>(seconds)) + ".", parts.zone);
}

Result<ToolResult> list_timers(const ToolContext& context, const BuiltinParts& parts) {
  const auto all = of_kind(*parts.timers, context.user_id, TimerKind::kTimer);
  Json data = Json::array();
  std::vector<std::string> left;
  for (const Timer& timer : all) {
    data.push_back(timer_json(timer, parts.zone));
    const double seconds = std::chrono::duration<double>(timer.due - parts.timers->now()).count();
    left.push_back((seconds <= 0 ? "none" : duration_words(seconds)) + " on the " + timer_name(timer));
  }
  std::string spoken = "No timer is running.";
  if (all.size() == 1 && all[0].label.empty()) {
    spoken = duration_words(std::chrono::duration<double>(all[0].due - parts.timers->now()).count()) + " left.";
  } else if (!all.empty()) {
    spoken = "There are " + list_words(left) + ".";
  }
  return ToolResult{sentence(std::move(spoken)), Json{{"timers", std::move(data)}}};
}

/// Those that are meant: by label, by length, the only one, or all.
std::vector<Timer> chosen(const std::vector<Timer>& all, const Json& arguments, const char* label_name) {
  const std::string label = to_lower_ascii(arguments.value(label_name, std::string()));
  const double seconds = arguments.value("seconds", 0.0);
  if (arguments.value("all", false)) return all;
  std::vector<Timer> some;
  for (const Timer& timer : all) {
    const std::string own = to_lower_ascii(timer.label);
    const bool same_label = !label.empty() && !own.empty() &&
                            (own.find(label) != std::string::npos || label.find(own) != std::string::npos);
    const bool same_length = seconds > 0 && std::abs(timer.length_seconds - seconds) < 1;
    if (same_label || same_length) some.push_back(timer);
  }
  if (some.empty() && label.empty() && seconds == 0 && all.size() == 1) return all;
  return some;
}

Result<ToolResult> cancel_timers(const Json& arguments, const ToolContext& context, const BuiltinParts& parts,
                                 TimerKind kind) {
  const bool timers = kind == TimerKind::kTimer;
  const auto all = of_kind(*parts.timers, context.user_id, kind);
  const std::string what = timers ? "timer" : "reminder";
  if (all.empty()) return ToolResult{timers ? "No timer is running." : "There are no reminders.", Json::object()};
  const auto some = chosen(all, arguments, timers ? "label" : "text");
  if (some.empty()) {
    const bool named = arguments.contains("label") || arguments.contains("text") || arguments.contains("seconds");
    if (named) return ToolResult{"I found no such " + what + ".", Json::object()};
    return ToolResult{"There are " + number_words(static_cast<double>(all.size())) + " " + what + "s. Which one?",
                      Json::object()};
  }
  Json data = Json::array();
  std::vector<Timer> cancelled;
  const auto undo = [&timers = *parts.timers](const std::vector<Timer>& taken) {
    if (!taken.empty()) log_undo(timers.put_back(taken));
  };
  for (const Timer& timer : some) {
    auto taken = parts.timers->cancel(context.user_id, timer.id);
    if (!taken) {
      // All or none.
      undo(cancelled);
      return fail(std::move(taken).error());
    }
    data.push_back(timer_json(*taken, parts.zone));
    cancelled.push_back(std::move(*taken));
  }
  std::string spoken = "All " + what + "s are cancelled.";
  if (some.size() == 1) {
    const bool label = timers && !some[0].label.empty();
    spoken = "The " + (label ? some[0].label + " " : std::string()) + what + " is cancelled.";
  } else if (some.size() < all.size()) {
    spoken = number_words(static_cast<double>(some.size())) + " " + what + "s are cancelled.";
  }
  return ToolResult{spoken, Json{{"cancelled", std::move(data)}},
                    [undo, cancelled = std::move(cancelled)] { undo(cancelled); }};
}

Result<ToolResult> set_reminder(const Json& arguments, const ToolContext& context, const BuiltinParts& parts) {
  const std::string text = arguments.value("text", std::string());
  const cctz::civil_second now = local_time(context.now, parts.zone);
  const auto moment = read_moment(arguments.value("when", std::string()), now);
  if (!moment) return fail({ErrorCode::kInvalidArgument, "I did not understand when that should be.", "", "when"});
  const WallTime due = time_of(*moment, context.now, parts.zone);
  MORGAN_TRY(const Timer timer, parts.timers->set(context.user_id, TimerKind::kReminder, text, due));
  const std::string when = moment_words(local_time(due, parts.zone), now);
  return set_result(*parts.timers, timer,
                    text.empty() ? "The alarm is set for " + when + "." : "I will remind you " + when + ".",
                    parts.zone);
}

Result<ToolResult> list_reminders(const ToolContext& context, const BuiltinParts& parts) {
  const auto all = of_kind(*parts.timers, context.user_id, TimerKind::kReminder);
  const cctz::civil_second now = local_time(context.now, parts.zone);
  Json data = Json::array();
  std::vector<std::string> each;
  for (const Timer& timer : all) {
    data.push_back(timer_json(timer, parts.zone));
    each.push_back((timer.label.empty() ? "an alarm" : to_second_person(timer.label)) + ", " +
                   moment_words(local_time(timer.due, parts.zone), now));
  }
  std::string spoken = "There are no reminders.";
  if (!all.empty()) {
    spoken = all.size() == 1 ? "One reminder: " : number_words(static_cast<double>(all.size())) + " reminders: ";
    spoken += join(each, "; ") + ".";
  }
  return ToolResult{spoken, Json{{"reminders", std::move(data)}}};
}

/// "tomorrow at eight" as date and time; "in 5 minutes" too.
Json settle_when(Json arguments, const ToolContext& context, const cctz::time_zone& zone) {
  const auto when = arguments.find("when");
  if (when == arguments.end() || !when->is_string()) return arguments;
  if (const auto moment = read_moment(when->get<std::string>(), local_time(context.now, zone)))
    *when = iso_time(time_of(*moment, context.now, zone), zone);
  return arguments;
}

Tool make(std::string name, std::string description, Json parameters, Effect effect, std::vector<std::string> cues,
          ToolFunction call) {
  Tool tool;
  tool.name = std::move(name);
  tool.description = std::move(description);
  tool.parameters = std::move(parameters);
  tool.effect = effect;
  tool.cues = std::move(cues);
  tool.call = std::move(call);
  return tool;
}

}  // namespace

std::string ring_words(const Timer& timer, WallTime now, const cctz::time_zone& zone) {
  std::string words;
  if (timer.kind == TimerKind::kTimer) {
    words = "Your " + timer_name(timer) + " is done.";
  } else if (timer.label.empty()) {
    words = "Your alarm: it is " + time_words(local_time(now, zone)) + ".";
  } else {
    words = "A reminder: " + to_second_person(timer.label) + ".";
  }
  constexpr std::chrono::minutes kLate{2};
  if (now - timer.due < kLate) return words;
  return words + " It was due " + moment_words(local_time(timer.due, zone), local_time(now, zone)) + ".";
}

Result<void> add_timer_tools(ToolRegistry& registry, const BuiltinParts& parts) {
  MORGAN_CHECK_OK(registry.add(make(
      "timer_set", "Starts a timer that rings after a length of time.",
      object_schema({{"seconds", integer_schema("length in seconds: 10 minutes are 600", 1, kMostSaidSeconds)},
                     {"label", text_schema("what it is for, when it is said", 60)}},
                    {"seconds"}),
      Effect::kKeeps, {"timer", "countdown", "count down", "let me know when", "let me know in", "tell me when"},
      [parts](const Json& arguments, const ToolContext& context) { return set_timer(arguments, context, parts); })));
  MORGAN_CHECK_OK(
      registry.add(make("timer_list", "Tells how much time is left on the timers.", object_schema({}), Effect::kReads,
                        {"timer", "timers", "how much time", "time left", "how much longer"},
                        [parts](const Json&, const ToolContext& context) { return list_timers(context, parts); })));
  MORGAN_CHECK_OK(registry.add(
      make("timer_cancel", "Stops a timer, or all of them.",
           object_schema({{"label", text_schema("which one", 60)},
                          {"seconds", integer_schema("length of the one that is meant", 1, kMostSaidSeconds)},
                          {"all", {{"type", "boolean"}, {"description", "true for all timers"}}}}),
           Effect::kKeeps, {"timer", "timers"}, [parts](const Json& arguments, const ToolContext& context) {
             return cancel_timers(arguments, context, parts, TimerKind::kTimer);
           })));
  const std::vector<std::string> cues{"remind", "reminder", "reminders", "alarm", "alarms", "wake me", "forget to"};
  Tool reminder = make(
      "reminder_set", "Sets a reminder or an alarm for a time.",
      object_schema({{"text", text_schema("what to be reminded of; leave out for an alarm", 300)},
                     {"when", text_schema("as it was said: tomorrow at 8 am, in 20 minutes, friday at noon", 80)}},
                    {"when"}),
      Effect::kKeeps, cues,
      [parts](const Json& arguments, const ToolContext& context) { return set_reminder(arguments, context, parts); });
  reminder.settle = [zone = parts.zone](Json arguments, const ToolContext& context) {
    return settle_when(std::move(arguments), context, zone);
  };
  MORGAN_CHECK_OK(registry.add(std::move(reminder)));
  MORGAN_CHECK_OK(registry.add(
      make("reminder_list", "Tells which reminders and alarms are set.", object_schema({}), Effect::kReads, cues,
           [parts](const Json&, const ToolContext& context) { return list_reminders(context, parts); })));
  return registry.add(make("reminder_cancel", "Deletes a reminder or an alarm, or all of them.",
                           object_schema({{"text", text_schema("words of the one that is meant", 300)},
                                          {"all", {{"type", "boolean"}, {"description", "true for all"}}}}),
                           Effect::kKeeps, cues, [parts](const Json& arguments, const ToolContext& context) {
                             return cancel_timers(arguments, context, parts, TimerKind::kReminder);
                           }));
}

}  // namespace morgan::tools
