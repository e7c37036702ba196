// Clock, timers, reminders.
#include "tools/request_rules.h"
#include "tools/time_phrases.h"

#include "base/strings.h"

#include <algorithm>
#include <cmath>

namespace morgan::tools {

namespace {

constexpr std::size_t kMostLabelWords = 3;
/// "A billion billion weeks" is more than a number holds; what is too long, its tool says.
constexpr double kMostSeconds = 3'660.0 * 86'400;

// What patterns begin with.
const std::string kSetA =
    "[set|start|make|create|begin|run|put on|i need|i want [to set]|i'd like [to set]|set up|set me|start me] [me] "
    "[a|an|the|another] [new] ";
const std::string kCancel = "(cancel|stop|delete|remove|clear|end|kill|turn off|switch off|get rid of|abort) ";
const std::string kSetReminder =
    "[set|create|make|add|i need|i want|put in|set me|set up] [a|the|another] [new] reminder ";
const std::string kDrop = "(cancel|delete|remove|clear|turn off|switch off|get rid of) ";

Json nothing() {
  return Json::object();
}

void add_clock(Rules& rules) {
  const auto here = [](const Request&) { return std::optional<Json>(nothing()); };
  add_rules(rules, "time",
            {"what time (is it|it is) [here|exactly]", "[what is] the [current|exact] time [is]",
             "what is the time here", "how late (is it|it is)", "what time do we have", "time"},
            here);
  add_rules(rules, "time",
            {"[what is] [the] [current|local] time [it is] [right] [now] in {place:text}",
             "what time (is it|it is|do they have|have they got) [right] [now] in {place:text}",
             "how late is it in {place:text}"},
            [](const Request& request) { return std::optional<Json>(Json{{"place", request.text("place")}}); });
  add_rules(rules, "date",
            {"what is (the date|today's date|todays date|the date of today|the date today) [today]",
             "(what|which) (date|day) [of the week] (is it|it is|is today|do we have|do we have today|it is today|is "
             "it today)",
             "what is today", "(today's|the) date [today]"},
            here);
  add_rules(
      rules, "date",
      {"(what|which) (date|day|weekday) [of the week] (is|do we have|will it be|will be|is it|have we) {day:moment}",
       "(what|which) (date|day) is the {day:moment}",
       "how many days (until|till|to|are left until|is it until) {day:moment}", "when is {day:moment}"},
      [](const Request& request) -> std::optional<Json> {
        const PhraseValue& day = request.values.at("day");
        if (day.moment.has_time) return std::nullopt;
        return Json{{"day", iso_text(day.moment.at).substr(0, 10)}};
      });
}

std::optional<Json> timer_of(const Request& request) {
  const double seconds = std::round(std::min(request.number("length", 0), kMostSeconds));
  if (seconds < 1) return std::nullopt;
  Json arguments{{"seconds", static_cast<long long>(seconds)}};
  SpokenWords label = request.words("label");
  const auto is_article = [](const std::string& word) {
    return word == "the" || word == "my" || word == "our" || word == "a" || word == "an";
  };
  if (label.size() > 1 && is_article(label[0].text)) label = label.subspan(1);
  // In "turn on the lamp and set a timer" and "don't set a timer" the timer is not called so.
  if (label.size() > kMostLabelWords || !is_name(label)) return std::nullopt;
  const bool named = !label.empty() && !(label.size() == 1 && (label[0].text == "new" || label[0].text == "another"));
  if (named) arguments["label"] = to_lower_ascii(said_by(request.said, label));
  return arguments;
}

void add_timers(Rules& rules) {
  add_rules(rules, "timer_set",
            {kSetA + "[{label:text}] (timer|countdown) [for|of|to|at] {length:duration}",
             kSetA + "{length:duration} [{label:text}] (timer|countdown)",
             kSetA + "{length:duration} (timer|countdown) for {label:text}",
             kSetA + "(timer|countdown) [for|of] {length:duration} (for|called|named) {label:text}",
             kSetA + "(timer|countdown) (for|called|named) {label:text} (for|of|with) {length:duration}",
             "(count|countdown) [down] [from|for] {length:duration}", "time {length:duration}",
             "(let me know|say when|call me|ring) (when|after|in) {length:duration} [has|have|is|are] "
             "[passed|over|up|gone|gone by]",
             "when {length:duration} (has|have|is|are) (passed|over|up|gone) (let me know|say so)"},
            timer_of);
  const auto all = [](const Request&) { return std::optional<Json>(nothing()); };
  add_rules(rules, "timer_list",
            {"how much (time|longer) (is|do i have) left [on [the|my] [{label:text}] (timer|timers)]",
             "how much (time|longer) on [the|my] [{label:text}] (timer|timers)",
             "how (long|much longer|much time) (until|till|before|is left until) [the|my] [{label:text}] timer "
             "(is done|is over|is up|rings|goes off|ends|runs out|finishes)",
             "how long [is|does] [the|my] [{label:text}] timer [still] (have|left|run|still|going)",
             "(what|which|how many) timers (are|do i have|have i got|are there) [there] [running|set|active|on|going]",
             "(list|show|check|read) [me] [all] [of] [my|the] (timer|timers)",
             "(are|is) there [any] (timer|timers) [running|set]",
             "(what is|how is) [the] (status|state) of [the|my] (timer|timers)", "[my] timers"},
            all);
  add_rules(rules, "timer_cancel",
            {kCancel + "(all|every|both) [of] [the|my] (timers|timer)", kCancel + "[the|my] timers"},
            [](const Request&) { return std::optional<Json>(Json{{"all", true}}); });
  add_rules(rules, "timer_cancel", {kCancel + "[the|my|that|this] timer"}, all);
  add_rules(rules, "timer_cancel",
            {kCancel + "[the|my] {length:duration} timer", kCancel + "[the|my] timer (for|of) {length:duration}"},
            timer_of);
  add_rules(rules, "timer_cancel",
            {kCancel + "[the|my] {label:text} timer", kCancel + "[the|my] timer for [the|my] {label:text}"},
            [](const Request& request) -> std::optional<Json> {
              if (!is_name(request.words("label"))) return std::nullopt;  // "stop asking me about the timer"
              return Json{{"label", to_lower_ascii(request.text("label"))}};
            });
}

std::optional<Json> reminder_of(const Request& request) {
  const SpokenMoment& when = request.values.at("when").moment;
  // A distance is left as it is: only its tool knows when clocks are changed on the way.
  Json arguments{{"when", when.ahead ? request.text("when") : iso_text(when.or_morning())}};
  if (request.has("text")) arguments["text"] = request.text("text");
  return arguments;
}

void add_reminders(Rules& rules) {
  add_rules(rules, "reminder_set",
            {"remind me {when:moment} (to|that|about|of) {text:text}",
             "remind me (to|that|about|of) {text:text} {when:moment}",
             "{when:moment} remind me (to|that|about|of) {text:text}",
             kSetReminder + "{when:moment} (to|that|about|of|for) {text:text}",
             kSetReminder + "(to|that|about|of|for) {text:text} {when:moment}",
             "(do not|don't) let me forget (to|that|about) {text:text} {when:moment}",
             "(do not|don't) let me forget {when:moment} (to|that|about) {text:text}",
             "{when:moment} (do not|don't) let me forget (to|that|about) {text:text}"},
            reminder_of);
  add_rules(rules, "reminder_set",
            {"[set|create|make|add|i need|i want|put|put on|set me|set up] [me] [a|an|the|my|another] [new] alarm "
             "[clock] [for|at] {when:moment}",
             "[set|create|make|add|i need|i want] [a|an|the|my] {when:moment} alarm",
             "wake me [up] [for] {when:moment}", "{when:moment} wake me [up]"},
            [](const Request& request) -> std::optional<Json> {
              if (!request.values.at("when").moment.has_time) return std::nullopt;
              return reminder_of(request);
            });
  add_rules(rules, "reminder_list",
            {"(what|which) (reminders|alarms) (do i have|have i got|are set|are there|have i set|are on) [set] [for] "
             "[{day:moment}]",
             "(what are|list|show|read|read out|check) [me] [all] [of] [my|the] (reminders|alarms)",
             "(do i have|are there|have i got) [any] (reminders|reminder|alarms|alarm) [set] [for] [{day:moment}]",
             "when is [my|the] [next] (alarm|reminder) [set] [for]", "what time is [my|the] [next] alarm [set] [for]"},
            [](const Request&) { return std::optional<Json>(nothing()); });
  add_rules(
      rules, "reminder_cancel",
      {kDrop + "(all|every) [of] [the|my] (reminders|alarms|reminder|alarm)", kDrop + "[the|my] (reminders|alarms)"},
      [](const Request&) { return std::optional<Json>(Json{{"all", true}}); });
  add_rules(rules, "reminder_cancel",
            {"(cancel|delete|remove|clear|turn off|switch off|get rid of|stop) [the|my|that|this] (reminder|alarm)"},
            [](const Request&) { return std::optional<Json>(nothing()); });
  add_rules(rules, "reminder_cancel",
            {"(cancel|delete|remove|clear|get rid of|forget) [the|my] reminder (about|for|to|of|that) {text:text}",
             "(cancel|delete|remove|clear|get rid of|forget) [the|my] {text:text} reminder"},
            [](const Request& request) { return std::optional<Json>(Json{{"text", request.text("text")}}); });
}

}  // namespace

void add_time_rules(Rules& rules) {
  add_clock(rules);
  add_timers(rules);
  add_reminders(rules);
}

}  // namespace morgan::tools
