#include "services/mcp_routes.h"

#include "base/strings.h"
#include "mcp/protocol.h"
#include "services/fields.h"
#include "services/json_format.h"
#include "services/mcp_server.h"
#include "services/mcp_sessions.h"

#include <memory>
#include <utility>

namespace morgan::services {

namespace {

using mcp::RpcError;
using mcp::RpcMessage;

struct Endpoint {
  explicit Endpoint(const McpParts& parts) : server(parts) {}
  McpServer server;
  McpSessions sessions;
};

net::Response json_rpc(int status, const OrderedJson& message) {
  return net::Response::json(status, dump_json(message));
}

/// Refused before it is worked on.
net::Response refuse(int status, const Json& id, const RpcError& error) {
  return json_rpc(status, mcp::error_message(id, error));
}

net::Response accepted() {
  net::Response response;
  response.status = 202;
  return response;
}

/// Status of an answer in the stateless revision; with sessions it is 200.
int stateless_status(const RpcError& error) {
  if (error.code == mcp::kMethodNotFound) return 404;
  return error.code == mcp::kInternalError ? 200 : 400;
}

bool accepts_json(const net::Request& request) {
  if (request.header("Accept").empty()) return true;
  return accepts(request, "application/json") || accepts(request, "application/*") || accepts(request, "*/*");
}

bool is_json(const net::Request& request) {
  const std::string_view type = request.header("Content-Type");
  return to_lower_ascii(trim(type.substr(0, type.find(';')))) == "application/json";
}

RpcError unsupported_version(std::string_view requested) {
  return {mcp::kUnsupportedVersion, "this revision of the protocol is not spoken here",
          Json{{"supported", mcp::known_versions()}, {"requested", std::string(requested)}}};
}

/// A call that can be cancelled from another request, for as long as it runs.
class RunningCall {
 public:
  RunningCall(std::shared_ptr<McpSession> session, const Json& id) : session_(std::move(session)), id_(id) {}
  RunningCall(const RunningCall&) = delete;
  RunningCall& operator=(const RunningCall&) = delete;
  ~RunningCall() { session_->end(id_); }

 private:
  std::shared_ptr<McpSession> session_;  // shared with the table of sessions
  const Json& id_;
};

net::Response begin_session(Endpoint& endpoint, const net::Request& request, const RpcMessage& message) {
  const std::string version = McpServer::negotiate(message.params);
  auto id = endpoint.sessions.open(owner_of(request));
  if (!id) return refuse(503, message.id, {mcp::kInternalError, id.error().message});
  net::Response response = json_rpc(200, mcp::result_message(message.id, endpoint.server.initialize(version)));
  response.headers.emplace(mcp::kSessionHeader, *id);
  return response;
}

/// The session that a request names. @return null and a refusal in `response`
std::shared_ptr<McpSession> session_of(Endpoint& endpoint, const net::Request& request, const Json& id,
                                       net::Response& response) {
  const std::string name(request.header(mcp::kSessionHeader));
  if (name.empty()) {
    response = refuse(400, id, {mcp::kInvalidRequest, "the header Mcp-Session-Id is missing; begin with initialize"});
    return nullptr;
  }
  auto session = endpoint.sessions.find(name, owner_of(request));
  if (!session) {
    response = refuse(404, id, {mcp::kInvalidRequest, "this session has ended; begin anew with initialize"});
  }
  return session;
}

net::Response answer_in_session(Endpoint& endpoint, const net::Request& request, const RpcMessage& message) {
  if (message.kind == RpcMessage::Kind::kRequest && message.method == "initialize") {
    return begin_session(endpoint, request, message);
  }
  net::Response refusal;
  const auto session = session_of(endpoint, request, message.id, refusal);
  if (!session) return refusal;
  if (message.kind != RpcMessage::Kind::kRequest) {
    if (message.method == "notifications/cancelled" && message.params.contains("requestId")) {
      session->cancel(message.params["requestId"]);
    }
    return accepted();
  }
  auto stop = session->begin(message.id, request.stop);
  if (!stop) return refuse(400, message.id, {mcp::kInvalidRequest, stop.error().message});
  const RunningCall running(session, message.id);
  McpCall call{Json::object(), *stop, request.caller};
  const auto answer = endpoint.server.answer(McpEra::kSession, message.method, message.params, std::move(call));
  if (const RpcError* error = std::get_if<RpcError>(&answer)) {
    return json_rpc(200, mcp::error_message(message.id, *error));
  }
  return json_rpc(200, mcp::result_message(message.id, std::get<OrderedJson>(answer)));
}

/// What stands in a header must stand in the body, for whoever routes by headers.
std::optional<RpcError> check_headers(const net::Request& request, const RpcMessage& message) {
  for (const std::string_view name : {mcp::kVersionHeader, mcp::kMethodHeader, mcp::kNameHeader}) {
    if (request.headers.count(name) > 1) {
      return RpcError{mcp::kHeaderMismatch, "the header " + std::string(name) + " comes twice"};
    }
  }
  const auto meta = message.params.find("_meta");
  const bool complete = meta != message.params.end() && meta->is_object() && meta->contains(mcp::kMetaVersion) &&
                        meta->contains(mcp::kMetaClientCapabilities);
  if (!complete) {
    return RpcError{mcp::kInvalidParams, "params._meta must have " + std::string(mcp::kMetaVersion) + " and " +
                                             std::string(mcp::kMetaClientCapabilities)};
  }
  const auto differs = [](std::string_view header) {
    return RpcError{mcp::kHeaderMismatch, "the header " + std::string(header) + " does not say what the body says"};
  };
  if (meta->at(std::string(mcp::kMetaVersion)) != Json(std::string(request.header(mcp::kVersionHeader)))) {
    return differs(mcp::kVersionHeader);
  }
  if (request.header(mcp::kMethodHeader) != message.method) return differs(mcp::kMethodHeader);
  const std::string_view named = mcp::name_parameter(message.method);
  if (named.empty()) return std::nullopt;
  const auto name = message.params.find(std::string(named));
  if (name == message.params.end() || name->is_null()) return std::nullopt;
  const auto header = mcp::decode_header_value(request.header(mcp::kNameHeader));
  if (!header || *name != Json(*header)) return differs(mcp::kNameHeader);
  return std::nullopt;
}

net::Response answer_without_session(Endpoint& endpoint, const net::Request& request, const RpcMessage& message) {
  if (message.kind == RpcMessage::Kind::kNotification) return accepted();
  if (message.kind == RpcMessage::Kind::kResponse) {
    return refuse(400, message.id, {mcp::kInvalidRequest, "this server asks nothing, so there is nothing to answer"});
  }
  if (const auto wrong = check_headers(request, message)) return refuse(400, message.id, *wrong);
  // Who closes the connection cancels.
  McpCall call{Json::object(), request.stop, request.caller};
  const auto answer = endpoint.server.answer(McpEra::kStateless, message.method, message.params, std::move(call));
  if (const RpcError* error = std::get_if<RpcError>(&answer)) {
    return json_rpc(stateless_status(*error), mcp::error_message(message.id, *error));
  }
  return json_rpc(200, mcp::result_message(message.id, std::get<OrderedJson>(answer)));
}

net::Response post(Endpoint& endpoint, const net::Request& request) {
  if (!is_json(request)) {
    return refuse(415, nullptr, {mcp::kInvalidRequest, "the Content-Type must be application/json"});
  }
  if (!accepts_json(request)) {
    return refuse(406, nullptr, {mcp::kInvalidRequest, "answers are application/json; Accept must allow it"});
  }
  const auto parsed = mcp::parse_message(request.body);
  if (const RpcError* error = std::get_if<RpcError>(&parsed)) return refuse(400, nullptr, *error);
  const RpcMessage& message = std::get<RpcMessage>(parsed);
  const std::string_view version = request.header(mcp::kVersionHeader);
  if (version == mcp::kStatelessVersion) return answer_without_session(endpoint, request, message);
  // No header: 2025-03-26, which had none yet.
  if (!version.empty() && !mcp::is_session_version(version)) {
    return refuse(400, message.id, unsupported_version(version));
  }
  return answer_in_session(endpoint, request, message);
}

net::Response end_session(Endpoint& endpoint, const net::Request& request) {
  net::Response refusal;
  if (!session_of(endpoint, request, nullptr, refusal)) return refusal;
  endpoint.sessions.close(std::string(request.header(mcp::kSessionHeader)));
  return net::Response{};
}

}  // namespace

void add_mcp_routes(ApiRoutes& routes, McpParts parts) {
  parts.context = routes.shared_context();
  // Shared by the two handlers.
  const auto endpoint = std::make_shared<Endpoint>(parts);
  routes.add(
      net::Method::kPost, "/mcp",
      {.tag = "mcp",
       .summary = "Model Context Protocol: one JSON-RPC message",
       .description = "Revisions 2024-11-05 to 2025-11-25 (initialize, then Mcp-Session-Id) and 2026-07-28 (without a "
                      "session). Tools: transcribe, speak, ask, remember, recall.",
       .json_body = "Any",
       .json_answer = "Any"},
      [endpoint](const net::Request& request) -> Result<net::Response> { return post(*endpoint, request); },
      routes.audio_options());
  routes.add(
      net::Method::kDelete, "/mcp", {.tag = "mcp", .summary = "End an MCP session"},
      [endpoint](const net::Request& request) -> Result<net::Response> { return end_session(*endpoint, request); });
}

}  // namespace morgan::services
