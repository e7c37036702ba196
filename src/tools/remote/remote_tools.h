// Tools that ask another program over HTTP: weather, web search, Home Assistant. Each is there only when its address is
// configured; nothing of a request leaves this machine otherwise.
#pragma once

#include "tools/tool_registry.h"

#include <cctz/time_zone.h>

#include <string>

namespace morgan::tools {

struct WeatherOptions {
  std::string forecast_url;   ///< of a server that speaks Open-Meteo's forecast API ("https://host/v1/forecast")
  std::string geocoding_url;  ///< of its geocoding API ("https://host/v1/search"); "": places cannot be named
  std::string place;          ///< where Morgan is: "52.5,13.4" or a name
};
/// weather.
Result<void> add_weather_tool(ToolRegistry& registry, WeatherOptions options, cctz::time_zone zone);

struct SearchOptions {
  std::string url;  ///< of a SearXNG ("https://host/search")
};
/// web_search.
Result<void> add_search_tool(ToolRegistry& registry, SearchOptions options);

struct HomeAssistantOptions {
  std::string url;    ///< "http://homeassistant.local:8123"
  std::string token;  ///< a long-lived access token; sent to `url` only
};
/// home_turn, home_dim, home_temperature, home_state.
Result<void> add_home_assistant_tools(ToolRegistry& registry, HomeAssistantOptions options);

}  // namespace morgan::tools
