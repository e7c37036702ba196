#include "services/realtime_routes.h"

#include "base/ids.h"
#include "base/strings.h"
#include "net/credentials.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/realtime_fields.h"
#include "services/realtime_secrets.h"
#include "services/realtime_session.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <utility>

namespace morgan::services {

namespace {

namespace live = dialogue::live;
using net::Method;

/// 15 MiB of base64 audio, as OpenAI takes it, and room for the event around it.
constexpr std::size_t kMostMessage = (15U << 20U) + (64U << 10U);
constexpr std::chrono::hours kLongest{24};
constexpr long long kShortestSecret = 10;
constexpr long long kLongestSecret = 7'200;
constexpr long long kDefaultSeconds = 600;
constexpr long long kBetaSeconds = 60;
constexpr std::string_view kProtocol = "realtime";
constexpr std::string_view kBetaProtocol = "openai-beta.realtime-v1";

/// A browser's offer of one track has 3 to 6 kB.
constexpr std::uint64_t kMostOffer = 256'000;

/// What every endpoint here shares with its handlers.
struct Shared {
  live::LiveService& live;
  std::shared_ptr<RealtimeSecrets> secrets;  // shared with the gate
  std::shared_ptr<RealtimeCalls> calls;      // shared with whoever stops them; null: no WebRTC

  VoiceFinder voices() const {
    return [this](const std::string& name) { return live.find_voice(name); };
  }
};

bool offers(const std::vector<std::string>& protocols, std::string_view name) {
  return std::find(protocols.begin(), protocols.end(), name) != protocols.end();
}

Result<RealtimeSettings> default_settings(const live::LiveService& live) {
  RealtimeSettings settings;
  settings.model = live.model_name();
  settings.reply.instructions = live.dialogue().system_prompt;
  settings.reply.voice_name = "default";
  MORGAN_TRY(settings.reply.voice, live.find_voice("default"));
  settings.reply.voice_name = settings.reply.voice.name;
  settings.expires_at =
      static_cast<long long>(std::time(nullptr)) + std::chrono::duration_cast<std::chrono::seconds>(kLongest).count();
  return settings;
}

Result<RealtimeStart> start_of(const net::Request& request, Shared& shared) {
  const auto protocols = net::offered_protocols(request);
  RealtimeStart start;
  const bool beta = request.header("OpenAI-Beta").find("realtime=v1") != std::string_view::npos;
  start.dialect = beta || offers(protocols, kBetaProtocol) ? RealtimeDialect::kBeta : RealtimeDialect::kGa;
  MORGAN_TRY(start.settings, default_settings(shared.live));
  const std::string key = net::offered_key(request);
  if (net::is_client_secret(key)) {
    auto settings = shared.secrets->find(key);
    if (!settings) {
      return fail(ErrorCode::kUnauthorized, "this client secret is not known, or its time is over; ask for another");
    }
    settings->expires_at = start.settings.expires_at;
    start.settings = std::move(*settings);
  }
  if (request.caller && !request.caller->user.empty()) start.settings.user_id = request.caller->user;
  if (const auto model = request.query_value("model"); model && !model->empty()) start.settings.model = *model;
  if (request.query_value("intent") == "transcription") {
    start.settings.transcribes_only = true;
    if (start.settings.transcription.is_null()) start.settings.transcription = Json::object();
  }
  return start;
}

Result<std::string> let_in(const net::Request& request, Shared& shared) {
  MORGAN_TRY(const RealtimeStart start, start_of(request, shared));
  static_cast<void>(start);
  if (request.query_value("call_id"))
    return fail(Error{ErrorCode::kNotFound, "a call has its data channel; a WebSocket cannot join it", "", "call_id"});
  if (shared.live.is_full())
    return fail(ErrorCode::kOverloaded, "no room for another conversation now; try again later");
  return std::string(offers(net::offered_protocols(request), kProtocol) ? kProtocol : "");
}

/// @return seconds that the secret of a GA request is good for
Result<long long> lifetime_of(const Fields& fields) {
  MORGAN_TRY(const auto expires, fields.object("expires_after"));
  if (!expires) return kDefaultSeconds;
  const RealtimeFields inside(*expires, "expires_after");
  MORGAN_TRY(const auto anchor, inside.word("anchor", {"created_at"}));
  static_cast<void>(anchor);
  MORGAN_TRY(const auto seconds, inside.integer("seconds", kShortestSecret, kLongestSecret));
  return seconds.value_or(kDefaultSeconds);
}

Result<net::Response> make_secret(const net::Request& request, Shared& shared) {
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const auto session, fields.object("session"));
  MORGAN_TRY(const long long lifetime, lifetime_of(fields));
  MORGAN_TRY(RealtimeSettings settings, default_settings(shared.live));
  if (session) {
    MORGAN_TRY(settings, merge_session(settings, *session, RealtimeDialect::kGa, shared.voices()));
  }
  const OrderedJson shown = session_json(settings, random_id("sess_"), RealtimeDialect::kGa);
  const std::string secret = shared.secrets->add(std::move(settings), request.caller, std::chrono::seconds(lifetime));
  return json_response(OrderedJson{
      {"value", secret}, {"expires_at", static_cast<long long>(std::time(nullptr)) + lifetime}, {"session", shown}});
}

/// The beta's form: the session is the body itself, and the secret is inside the answer.
Result<net::Response> make_beta_session(const net::Request& request, Shared& shared, bool transcribes_only) {
  if (!request.body.empty()) MORGAN_CHECK_OK(Fields::read(request));  // refuses what is no JSON by its type
  MORGAN_TRY(const Json body, parse_json_object(request.body.empty() ? "{}" : request.body));
  MORGAN_TRY(RealtimeSettings settings, default_settings(shared.live));
  MORGAN_TRY(settings, merge_session(settings, body, RealtimeDialect::kBeta, shared.voices()));
  settings.transcribes_only = transcribes_only;
  if (transcribes_only && settings.transcription.is_null()) settings.transcription = Json::object();
  OrderedJson shown = session_json(settings, random_id("sess_"), RealtimeDialect::kBeta);
  const std::string secret =
      shared.secrets->add(std::move(settings), request.caller, std::chrono::seconds(kBetaSeconds));
  shown["client_secret"] = {{"value", secret},
                            {"expires_at", static_cast<long long>(std::time(nullptr)) + kBetaSeconds}};
  return json_response(shown);
}

void add_secret_routes(ApiRoutes& routes, const std::shared_ptr<Shared>& shared) {
  routes.add(
      Method::kPost, "/v1/realtime/client_secrets",
      {.tag = "conversation",
       .summary = "A secret that opens one kind of Realtime session, for browsers (OpenAI's form)",
       .json_body = "RealtimeSecretRequest",
       .json_answer = "RealtimeSecret"},
      [shared](const net::Request& request) { return make_secret(request, *shared); }, ApiRoutes::text_options());
  routes.add(
      Method::kPost, "/v1/realtime/sessions",
      {.tag = "conversation",
       .summary = "The same, as the beta has it",
       .json_body = "RealtimeBetaSession",
       .json_answer = "RealtimeBetaSecret"},
      [shared](const net::Request& request) { return make_beta_session(request, *shared, false); },
      ApiRoutes::text_options());
  routes.add(
      Method::kPost, "/v1/realtime/transcription_sessions",
      {.tag = "conversation",
       .summary = "The same, for a session that only transcribes",
       .json_body = "RealtimeBetaSession",
       .json_answer = "RealtimeBetaSecret"},
      [shared](const net::Request& request) { return make_beta_session(request, *shared, true); },
      ApiRoutes::text_options());
}

/// The offer, as the body itself or beside a session in a form.
Result<std::string> read_offer(const net::Request& request, RealtimeStart& start, const Shared& shared) {
  if (to_lower_ascii(request.header("Content-Type")).starts_with("application/sdp")) return request.body;
  MORGAN_TRY(const Fields fields, Fields::read(request));
  MORGAN_TRY(const auto session, fields.object("session"));
  if (session) {
    MORGAN_TRY(start.settings, merge_session(start.settings, *session, start.dialect, shared.voices()));
  }
  return fields.required_text("sdp", kMostOffer);
}

Result<net::Response> take_call(const net::Request& request, Shared& shared) {
  if (!shared.calls) {
    return fail(ErrorCode::kNotFound,
                "WebRTC is switched off here (live.webrtc); connect to the WebSocket /v1/realtime instead");
  }
  MORGAN_TRY(RealtimeStart start, start_of(request, shared));
  MORGAN_TRY(const std::string offer, read_offer(request, start, shared));
  MORGAN_TRY(RealtimeCalls::Answer answer, shared.calls->open(shared.live, std::move(start), offer, request.caller));
  net::Response response = net::Response::bytes(std::move(answer.sdp), "application/sdp");
  response.status = 201;
  response.headers.emplace("Location", "/v1/realtime/calls/" + answer.id);
  return response;
}

Result<net::Response> hang_up(const net::Request& request, Shared& shared) {
  const std::string& id = request.params.at("call_id");
  if (!shared.calls) return fail(Error{ErrorCode::kNotFound, "there is no such call", "", "call_id"});
  MORGAN_CHECK_OK(shared.calls->hang_up(id, request.caller.get()));
  return net::Response::text(200, "");
}

void add_call_routes(ApiRoutes& routes, const std::shared_ptr<Shared>& shared) {
  net::RouteOptions options{kMostOffer, net::RunOn::kPool};
  options.access.takes_client_secret = true;
  routes.add(
      Method::kPost, "/v1/realtime/calls",
      {.tag = "conversation",
       .summary = "A conversation by WebRTC (OpenAI's Realtime API)",
       .description = "The body is an SDP offer (`application/sdp`), or a form with `sdp` and `session`; it is "
                      "answered by 201 with SDP and the call's `Location`. docs/clients/openai-realtime.md says what "
                      "is served.",
       .form_body = "RealtimeCallForm",
       .other_answers = {"application/sdp"}},
      [shared](const net::Request& request) { return take_call(request, *shared); }, options);
  const auto end = [shared](const net::Request& request) { return hang_up(request, *shared); };
  routes.add(Method::kPost, "/v1/realtime/calls/{call_id}/hangup",
             {.tag = "conversation", .summary = "Ends a WebRTC call", .other_answers = {"text/plain"}}, end, options);
  routes.add(Method::kDelete, "/v1/realtime/calls/{call_id}",
             {.tag = "conversation", .summary = "The same", .other_answers = {"text/plain"}}, end, options);
}

}  // namespace

void add_realtime_routes(ApiRoutes& routes, live::LiveService& live, std::shared_ptr<RealtimeSecrets> secrets,
                         std::shared_ptr<RealtimeCalls> calls) {
  // By all the handlers below.
  const auto shared = std::make_shared<Shared>(Shared{live, std::move(secrets), std::move(calls)});
  net::WsOptions options;
  options.max_message = kMostMessage;
  options.access.takes_client_secret = true;
  options.accept = [shared](const net::Request& request) { return let_in(request, *shared); };
  routes.add_ws_session(
      "/v1/realtime",
      {.tag = "conversation",
       .summary = "A conversation in real time (OpenAI's Realtime API)",
       .description = "GA's events, or the beta's with `OpenAI-Beta: realtime=v1`; docs/clients/openai-realtime.md "
                      "says what is served."},
      [shared](const net::Request& request, std::shared_ptr<net::WsPeer> peer) -> std::shared_ptr<net::WsSession> {
        auto start = start_of(request, *shared);
        if (!start) return nullptr;  // its secret ended between the two
        auto session = std::make_shared<RealtimeSession>(shared->live, std::move(peer), std::move(*start));
        session->begin();
        return session;
      },
      std::move(options));
  add_call_routes(routes, shared);
  add_secret_routes(routes, shared);
}

}  // namespace morgan::services
