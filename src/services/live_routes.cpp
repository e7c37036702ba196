#include "services/live_routes.h"

#include "services/fields.h"
#include "services/json_format.h"
#include "services/live_socket.h"

namespace morgan::services {

namespace {

constexpr long long kDefaultTurns = 20;
constexpr double kMostTurns = dialogue::live::TurnLog::kKept;

Result<net::Response> show_turns(const net::Request& request, const dialogue::live::LiveService& live) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const auto limit, fields.integer("limit", {1, kMostTurns}));
  MORGAN_TRY(const auto named, fields.text("user_id"));
  std::string user_id = named.value_or("");
  // Who may speak for one user only sees that one's.
  if (request.caller && !request.caller->user.empty()) {
    MORGAN_TRY(user_id, user_of(request.caller.get(), named));
  }
  OrderedJson turns = OrderedJson::array();
  for (OrderedJson& turn : live.turns().recent(static_cast<std::size_t>(limit.value_or(kDefaultTurns)), user_id))
    turns.push_back(std::move(turn));
  return json_response(
      OrderedJson{{"turns", std::move(turns)}, {"sessions", live.sessions()}, {"max_streams", live.max_streams()}});
}

}  // namespace

void add_live_routes(ApiRoutes& routes, dialogue::live::LiveService& live) {
  routes.add(
      net::Method::kGet, "/api/turns",
      {.tag = "conversation",
       .summary = "The last spoken turns and where their time went, newest first",
       .description = "Stages count from the last voiced sample; their `ms` add up to `total_ms`. Kept in memory only.",
       .json_answer = "Turns",
       .query = {{"limit", "integer", "how many, 1 to 256; 20 when absent"},
                 {"user_id", "string", "of one user only"}}},
      [&live](const net::Request& request) { return show_turns(request, live); });
  routes.add_ws_session(
      "/ws/audio",
      {.tag = "conversation",
       .summary = "A conversation in real time",
       .description = "Microphone in, voice out, interruptible; docs/realtime.md describes every message."},
      [&live](const net::Request& request, std::shared_ptr<net::WsPeer> peer) {
        return make_live_socket(live, request, std::move(peer));
      });
}

}  // namespace morgan::services
