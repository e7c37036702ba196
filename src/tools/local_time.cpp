#include "tools/local_time.h"

#include "base/file.h"
#include "base/strings.h"

#include <array>
#include <map>
#include <utility>

namespace morgan::tools {

namespace {

constexpr std::size_t kMostTableBytes = 200'000;
const std::filesystem::path kZoneInfo = "/usr/share/zoneinfo";

/// Large cities that are not the ones their zone is named after, and what people call countries.
constexpr std::array<std::pair<std::string_view, std::string_view>, 62> kPlaces{{
    {"munich", "Europe/Berlin"},
    {"hamburg", "Europe/Berlin"},
    {"cologne", "Europe/Berlin"},
    {"frankfurt", "Europe/Berlin"},
    {"geneva", "Europe/Zurich"},
    {"milan", "Europe/Rome"},
    {"barcelona", "Europe/Madrid"},
    {"saint petersburg", "Europe/Moscow"},
    {"edinburgh", "Europe/London"},
    {"manchester", "Europe/London"},
    {"england", "Europe/London"},
    {"scotland", "Europe/London"},
    {"great britain", "Europe/London"},
    {"uk", "Europe/London"},
    {"united kingdom", "Europe/London"},
    {"san francisco", "America/Los_Angeles"},
    {"la", "America/Los_Angeles"},
    {"california", "America/Los_Angeles"},
    {"seattle", "America/Los_Angeles"},
    {"las vegas", "America/Los_Angeles"},
    {"san diego", "America/Los_Angeles"},
    {"portland", "America/Los_Angeles"},
    {"silicon valley", "America/Los_Angeles"},
    {"salt lake city", "America/Denver"},
    {"colorado", "America/Denver"},
    {"arizona", "America/Phoenix"},
    {"dallas", "America/Chicago"},
    {"houston", "America/Chicago"},
    {"austin", "America/Chicago"},
    {"texas", "America/Chicago"},
    {"new orleans", "America/Chicago"},
    {"boston", "America/New_York"},
    {"miami", "America/New_York"},
    {"florida", "America/New_York"},
    {"atlanta", "America/New_York"},
    {"philadelphia", "America/New_York"},
    {"washington", "America/New_York"},
    {"washington dc", "America/New_York"},
    {"nyc", "America/New_York"},
    {"new york city", "America/New_York"},
    {"hawaii", "Pacific/Honolulu"},
    {"alaska", "America/Anchorage"},
    {"montreal", "America/Toronto"},
    {"ottawa", "America/Toronto"},
    {"calgary", "America/Edmonton"},
    {"rio de janeiro", "America/Sao_Paulo"},
    {"beijing", "Asia/Shanghai"},
    {"china", "Asia/Shanghai"},
    {"shenzhen", "Asia/Shanghai"},
    {"osaka", "Asia/Tokyo"},
    {"kyoto", "Asia/Tokyo"},
    {"south korea", "Asia/Seoul"},
    {"korea", "Asia/Seoul"},
    {"delhi", "Asia/Kolkata"},
    {"new delhi", "Asia/Kolkata"},
    {"mumbai", "Asia/Kolkata"},
    {"bangalore", "Asia/Kolkata"},
    {"abu dhabi", "Asia/Dubai"},
    {"hanoi", "Asia/Ho_Chi_Minh"},
    {"vietnam", "Asia/Ho_Chi_Minh"},
    {"canberra", "Australia/Sydney"},
    {"cape town", "Africa/Johannesburg"},
}};

/// Lower case, blanks for '_'; "" for what is no name of a place.
std::string key_of(std::string_view name) {
  std::string key = to_lower_ascii(trim(name));
  for (char& c : key) {
    if (c == '_' || c == '-') c = ' ';
  }
  if (key.starts_with("the ")) key.erase(0, 4);
  return key;
}

std::vector<std::vector<std::string>> table(const char* file) {
  std::vector<std::vector<std::string>> rows;
  const auto text = read_file(kZoneInfo / file, kMostTableBytes);
  if (!text) return rows;
  for (const std::string& line : split(*text, '\n')) {
    if (!line.empty() && line[0] != '#') rows.push_back(split(line, '\t'));
  }
  return rows;
}

/// Place to zone: cities of tzdata, countries with one zone, and kPlaces.
std::map<std::string, std::string> read_places() {
  std::map<std::string, std::string> places;
  std::map<std::string, std::vector<std::string>> zones_of_country;
  for (const auto& row : table("zone.tab")) {
    if (row.size() < 3) continue;
    const std::string zone(trim(row[2]));
    places.emplace(key_of(zone.substr(zone.rfind('/') + 1)), zone);
    zones_of_country[row[0]].push_back(zone);
  }
  for (const auto& row : table("iso3166.tab")) {
    if (row.size() < 2) continue;
    const auto zones = zones_of_country.find(row[0]);
    if (zones == zones_of_country.end()) continue;
    // Germany, Spain and the like have small second zones of their own; those with a second clock are named by city.
    if (zones->second.size() <= 2) places.emplace(key_of(row[1]), zones->second.front());
  }
  for (const auto& [place, zone] : kPlaces)
    places.insert_or_assign(std::string(place), std::string(zone));
  return places;
}

}  // namespace

Result<cctz::time_zone> zone_named(const std::string& name) {
  if (name.empty()) return cctz::local_time_zone();
  cctz::time_zone zone;
  if (!cctz::load_time_zone(name, &zone)) {
    return fail(
        ErrorCode::kInvalidArgument,
        "'" + name + "' is no time zone that this machine knows; write one like Europe/Berlin (tzdata has them)");
  }
  return zone;
}

Result<cctz::time_zone> zone_of_place(const std::string& place) {
  static const std::map<std::string, std::string> kPlacesByName = read_places();
  const auto found = kPlacesByName.find(key_of(place));
  cctz::time_zone zone;
  if (found != kPlacesByName.end() && cctz::load_time_zone(found->second, &zone)) return zone;
  return fail(
      {ErrorCode::kNotFound, "I do not know the time zone of " + place + ". Try a large city near it.", "", "place"});
}

cctz::civil_second local_time(WallTime at, const cctz::time_zone& zone) {
  return cctz::convert(std::chrono::time_point_cast<std::chrono::seconds>(at), zone);
}

WallTime wall_time(cctz::civil_second at, const cctz::time_zone& zone) {
  const auto lookup = zone.lookup(at);
  return lookup.kind == cctz::time_zone::civil_lookup::SKIPPED ? lookup.trans : lookup.pre;
}

WallTime time_of(const SpokenMoment& moment, WallTime now, const cctz::time_zone& zone) {
  if (moment.utc_offset_s)
    return wall_time(moment.at, cctz::utc_time_zone()) - std::chrono::seconds(*moment.utc_offset_s);
  if (moment.ahead) {
    constexpr long long kDaySeconds = 86'400;
    const long long days = moment.ahead->days;
    const WallTime day = days == 0 ? now : wall_time(local_time(now, zone) + days * kDaySeconds, zone);
    return day + std::chrono::seconds(moment.ahead->seconds);
  }
  const cctz::civil_second at = moment.or_morning();
  const auto lookup = zone.lookup(at);
  // Of an hour that comes twice, the one that is still to come.
  if (lookup.kind == cctz::time_zone::civil_lookup::REPEATED && lookup.pre <= now) return lookup.post;
  return wall_time(at, zone);
}

std::string iso_time(WallTime at, const cctz::time_zone& zone) {
  const auto second = std::chrono::time_point_cast<std::chrono::seconds>(at);
  const cctz::civil_second shown = local_time(at, zone);
  std::string text = iso_text(shown);
  if (wall_time(shown, zone) != second) text += cctz::format("%Ez", second, zone);
  return text;
}

}  // namespace morgan::tools
