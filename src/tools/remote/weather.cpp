// Weather by Open-Meteo's API, which its own server and others speak.
// @source https://open-meteo.com/en/docs
#include "base/strings.h"
#include "tools/local_time.h"
#include "tools/remote/json_request.h"
#include "tools/remote/remote_tools.h"
#include "tools/schema.h"
#include "tools/spoken_form.h"
#include "tools/time_phrases.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace morgan::tools {

namespace {

constexpr int kForecastDays = 8;

struct Place {
  std::string name;  ///< "": here
  std::string latitude;
  std::string longitude;
};

/// WMO code table 4677, as Open-Meteo gives it.
std::string_view sky(int code) {
  static constexpr std::array<std::pair<int, std::string_view>, 13> kUpTo{{{0, "clear"},
                                                                           {1, "mostly clear"},
                                                                           {2, "partly cloudy"},
                                                                           {3, "cloudy"},
                                                                           {48, "foggy"},
                                                                           {57, "drizzling"},
                                                                           {63, "rainy"},
                                                                           {67, "very rainy"},
                                                                           {77, "snowy"},
                                                                           {82, "showery"},
                                                                           {86, "full of snow showers"},
                                                                           {95, "stormy"},
                                                                           {99, "stormy, with hail"}}};
  for (const auto& [most, words] : kUpTo) {
    if (code <= most) return words;
  }
  return "unsettled";
}

std::optional<Place> coordinates(const std::string& text) {
  const std::vector<std::string> parts = split(text, ',');
  if (parts.size() != 2 || !parse_double(trim(parts[0])) || !parse_double(trim(parts[1]))) return std::nullopt;
  return Place{"", std::string(trim(parts[0])), std::string(trim(parts[1]))};
}

Result<Place> find_place(const WeatherOptions& options, const std::string& name, const StopToken& stop) {
  if (options.geocoding_url.empty())
    return fail({ErrorCode::kInvalidArgument, "I can only tell the weather here.", "", "place"});
  JsonRequest request{"the weather service", options.geocoding_url};
  request.query = {{"name", name}, {"count", "1"}, {"language", "en"}, {"format", "json"}};
  MORGAN_TRY(const Json answer, request_json(request, stop));
  const auto results = answer.is_object() ? answer.find("results") : answer.end();
  if (!answer.is_object() || results == answer.end() || !results->is_array() || results->empty() ||
      !results->front().is_object())
    return fail({ErrorCode::kNotFound, "I do not know where " + name + " is.", "", "place"});
  const Json& first = results->front();
  MORGAN_TRY(const auto latitude, json_number(first, "latitude"));
  MORGAN_TRY(const auto longitude, json_number(first, "longitude"));
  if (!latitude || !longitude) return fail(ErrorCode::kUnavailable, "the weather service does not tell where that is");
  return Place{name, fmt::format("{:.4f}", *latitude), fmt::format("{:.4f}", *longitude)};
}

Result<Place> place_of(const WeatherOptions& options, const Json& arguments, const StopToken& stop) {
  const std::string said = arguments.value("place", std::string());
  if (!said.empty()) return find_place(options, said, stop);
  if (const auto here = coordinates(options.place)) return *here;
  if (options.place.empty())
    return fail({ErrorCode::kInvalidArgument, "I do not know where we are. Ask for a place.", "", "place"});
  return find_place(options, options.place, stop);
}

std::optional<double> number_in(const Json& object, const char* series, std::size_t index) {
  const auto values = object.find(series);
  if (values == object.end() || !values->is_array() || index >= values->size() || !(*values)[index].is_number())
    return std::nullopt;
  return (*values)[index].get<double>();
}

std::string degrees(double value) {
  const auto rounded = static_cast<long long>(std::llround(value));
  return fmt::format("{} degree{}", rounded, rounded == 1 || rounded == -1 ? "" : "s");
}

Result<ToolResult> tell(const Json& forecast, const Place& place, long long ahead, const std::string& day_name) {
  const auto fails = [] { return fail(ErrorCode::kUnavailable, "the weather service's answer cannot be read"); };
  const auto daily = forecast.is_object() ? forecast.find("daily") : forecast.end();
  if (!forecast.is_object() || daily == forecast.end() || !daily->is_object()) return fails();
  const auto index = static_cast<std::size_t>(ahead);
  const auto most = number_in(*daily, "temperature_2m_max", index);
  const auto least = number_in(*daily, "temperature_2m_min", index);
  const auto rain = number_in(*daily, "precipitation_probability_max", index);
  const auto code = number_in(*daily, "weather_code", index);
  if (!most || !least || !code) return fails();
  const std::string where = place.name.empty() ? "" : " in " + sentence(place.name);
  std::string spoken;
  if (ahead == 0) {
    if (const auto current = forecast.find("current"); current != forecast.end() && current->is_object()) {
      const auto now = json_number(*current, "temperature_2m");
      const auto now_code = json_number(*current, "weather_code");
      if (now && *now && now_code && *now_code)
        spoken = fmt::format("It is {} and {}{}. ", degrees(**now), sky(static_cast<int>(**now_code)), where);
    }
    spoken += fmt::format("Today it will be between {:.0f} and {}", *least, degrees(*most));
  } else {
    spoken = fmt::format("{}{} it will be {}, between {:.0f} and {}", day_name, where, sky(static_cast<int>(*code)),
                         *least, degrees(*most));
  }
  if (rain) spoken += fmt::format(", and the chance of rain is {:.0f} percent", *rain);
  Json data{{"place", place.name},
            {"days_ahead", ahead},
            {"temperature_max", *most},
            {"temperature_min", *least},
            {"weather_code", *code}};
  if (rain) data["precipitation_probability"] = *rain;
  return ToolResult{spoken + ".", std::move(data)};
}

Result<ToolResult> weather(const WeatherOptions& options, const cctz::time_zone& zone, const Json& arguments,
                           const ToolContext& context) {
  const cctz::civil_second now = local_time(context.now, zone);
  const std::string wanted = arguments.value("day", std::string());
  long long ahead = 0;
  std::string day_name = "Today";
  if (!wanted.empty()) {
    const auto moment = read_moment(wanted.size() == 10 && wanted[4] == '-' ? wanted + "T12:00:00" : wanted, now);
    if (!moment) return fail({ErrorCode::kInvalidArgument, "I do not know which day " + wanted + " is.", "", "day"});
    const cctz::civil_day day(moment->at);
    ahead = day - cctz::civil_day(now);
    day_name = ahead == 1 ? "Tomorrow" : "On " + day_words(day);
  }
  if (ahead < 0 || ahead >= kForecastDays)
    return fail({ErrorCode::kInvalidArgument, "I know the weather of the next seven days only.", "", "day"});
  MORGAN_TRY(const Place place, place_of(options, arguments, context.stop));
  JsonRequest request{"the weather service", options.forecast_url};
  request.query = {{"latitude", place.latitude},
                   {"longitude", place.longitude},
                   {"current", "temperature_2m,weather_code"},
                   {"daily", "weather_code,temperature_2m_max,temperature_2m_min,precipitation_probability_max"},
                   {"timezone", "auto"},
                   {"forecast_days", std::to_string(kForecastDays)}};
  MORGAN_TRY(const Json forecast, request_json(request, context.stop));
  return tell(forecast, place, ahead, day_name);
}

}  // namespace

Result<void> add_weather_tool(ToolRegistry& registry, WeatherOptions options, cctz::time_zone zone) {
  Tool tool;
  tool.name = "weather";
  tool.description = "Tells the weather and the temperature outside, today or on one of the next days.";
  tool.parameters = object_schema({{"place", text_schema("city; leave out for here")},
                                   {"day", text_schema("tomorrow, friday; leave out for today")}});
  tool.effect = Effect::kReads;
  tool.cues = {"weather",  "forecast", "rain",     "raining",  "snow",    "snowing",
               "umbrella", "outside",  "how cold", "how warm", "how hot", "coat"};
  tool.settle = [zone](Json arguments, const ToolContext& context) {
    const auto day = arguments.find("day");
    if (day == arguments.end() || !day->is_string()) return arguments;
    const cctz::civil_second now = local_time(context.now, zone);
    const auto moment = read_moment(day->get<std::string>(), now);
    if (!moment) return arguments;
    if (cctz::civil_day(moment->at) == cctz::civil_day(now)) {
      arguments.erase("day");
    } else {
      *day = iso_text(moment->at).substr(0, 10);
    }
    return arguments;
  };
  tool.call = [options = std::move(options), zone](const Json& arguments, const ToolContext& context) {
    return weather(options, zone, arguments, context);
  };
  return registry.add(std::move(tool));
}

}  // namespace morgan::tools
