#include "tools/builtin_tools.h"
#include "tools/local_time.h"
#include "tools/schema.h"
#include "tools/spoken_form.h"
#include "tools/time_phrases.h"

namespace morgan::tools {

namespace {

std::string place_of(const Json& arguments) {
  return arguments.value("place", std::string());
}

Result<cctz::time_zone> zone_of(const Json& arguments, const cctz::time_zone& home) {
  const std::string place = place_of(arguments);
  if (place.empty()) return home;
  return zone_of_place(place);
}

Result<ToolResult> tell_time(const Json& arguments, const ToolContext& context, const cctz::time_zone& home) {
  MORGAN_TRY(const cctz::time_zone zone, zone_of(arguments, home));
  const cctz::civil_second there = local_time(context.now, zone);
  const cctz::civil_second here = local_time(context.now, home);
  const std::string place = place_of(arguments);
  std::string spoken = "It is " + time_words(there);
  if (!place.empty()) {
    const bool plain = there.minute() == 0 && there.hour() % 12 == 0;
    if (!plain)
      spoken += there.hour() < 12 ? " in the morning" : there.hour() < 18 ? " in the afternoon" : " in the evening";
    spoken += " in " + place;
    const auto days = cctz::civil_day(there) - cctz::civil_day(here);
    if (days != 0) spoken += days > 0 ? ", tomorrow" : ", yesterday";
  }
  return ToolResult{spoken + ".", Json{{"local_time", iso_text(there)}, {"zone", zone.name()}}};
}

Result<ToolResult> tell_date(const Json& arguments, const ToolContext& context, const cctz::time_zone& home) {
  MORGAN_TRY(const cctz::time_zone zone, zone_of(arguments, home));
  const cctz::civil_second now = local_time(context.now, zone);
  const cctz::civil_day today(now);
  const std::string wanted = arguments.value("day", std::string());
  cctz::civil_day day = today;
  if (!wanted.empty()) {
    const auto moment = read_moment(wanted, now);
    if (!moment && wanted.size() == 10) {
      const auto midnight = read_moment(wanted + "T00:00:00", now);
      if (!midnight)
        return fail({ErrorCode::kInvalidArgument, "I do not know which day " + wanted + " is.", "", "day"});
      day = cctz::civil_day(midnight->at);
    } else if (!moment) {
      return fail({ErrorCode::kInvalidArgument, "I do not know which day " + wanted + " is.", "", "day"});
    } else {
      day = cctz::civil_day(moment->at);
    }
  }
  const auto ahead = day - today;
  std::string spoken = "Today is " + day_words(day) + ".";
  if (ahead == 1) {
    spoken = "Tomorrow is " + day_words(day) + ".";
  } else if (ahead != 0) {
    spoken = "That is " + day_words(day) + ", in " + number_words(static_cast<double>(ahead)) + " days.";
  }
  return ToolResult{spoken, Json{{"date", iso_text(cctz::civil_second(day)).substr(0, 10)}, {"days_ahead", ahead}}};
}

/// "tomorrow" as the day that it is.
Json settle_day(Json arguments, const ToolContext& context, const cctz::time_zone& home) {
  const auto day = arguments.find("day");
  if (day == arguments.end() || !day->is_string()) return arguments;
  if (const auto moment = read_moment(day->get<std::string>(), local_time(context.now, home)))
    *day = iso_text(moment->at).substr(0, 10);
  return arguments;
}

}  // namespace

Result<void> add_clock_tools(ToolRegistry& registry, const BuiltinParts& parts) {
  const cctz::time_zone home = parts.zone;
  Tool time;
  time.name = "time";
  time.description = "Tells what time it is, here or in a city.";
  time.parameters = object_schema({{"place", text_schema("city or country; leave out for here")}});
  time.effect = Effect::kReads;
  time.cues = {"what time", "the time", "how late", "o'clock", "time it is", "time is it"};
  time.call = [home](const Json& arguments, const ToolContext& context) { return tell_time(arguments, context, home); };
  MORGAN_CHECK_OK(registry.add(std::move(time)));

  Tool date;
  date.name = "date";
  date.description = "Tells the date and the day of the week, of today or of another day.";
  date.parameters = object_schema({{"day", text_schema("today, tomorrow, next friday, march 5th; leave out for today")},
                                   {"place", text_schema("city; leave out for here")}});
  date.effect = Effect::kReads;
  date.cues = {"the date",  "what date",       "which date",    "what day",
               "which day", "day of the week", "how many days", "how long until"};
  date.settle = [home](Json arguments, const ToolContext& context) {
    return settle_day(std::move(arguments), context, home);
  };
  date.call = [home](const Json& arguments, const ToolContext& context) { return tell_date(arguments, context, home); };
  return registry.add(std::move(date));
}

}  // namespace morgan::tools
