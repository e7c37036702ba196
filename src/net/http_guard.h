// What a request must satisfy before anything is done for it. Boost 1.81's parser lets some framings pass
// that another server on the way could read differently (request smuggling); here they are refused.
#pragma once

#include "net/http_types.h"

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace morgan::net {

/// A request that is answered without its handler.
struct Refusal {
  Error error;
  int status = 0;  ///< 0: what ServerOptions::error_response makes of the error
  Headers headers;
};

Refusal refusal(ErrorCode code, std::string message, int status = 0, Headers headers = {});

using RequestHead = boost::beast::http::request_header<boost::beast::http::fields>;

/// Framing and Host: 400 for Transfer-Encoding other than exactly "chunked", with Content-Length, or on
/// HTTP/1.0; for several lengths or hosts; 417 for an expectation that is not 100-continue.
std::optional<Refusal> check_head(const RequestHead& head);

/// Fills path, query, method and headers of `request`. @return a refusal when they do not decode
std::optional<Refusal> read_request_line(const RequestHead& head, Request& request, std::string& raw_path);

/// Browsers send Origin, which no page can forge: 403 for a page of another host than this one that is not `allowed`.
std::optional<Refusal> check_page_origin(const Request& request, std::span<const std::string> allowed = {});
/// The same for methods that change something: without it any page could post to a Morgan on its reader's
/// own machine, for a form needs no leave.
std::optional<Refusal> check_origin(const Request& request, std::span<const std::string> allowed = {});

/// How long a body may take of which `bytes` have come: three times the wait for a head (30 s), and a second for every
/// 10 kB. A microphone gives 32 kB/s, so a recording may be sent as it is made, and slow telephones have time for
/// theirs; who sends a byte now and then would hold a connection for ever. What has come counts, not what was
/// announced: it costs nothing to announce much.
std::chrono::milliseconds body_time(std::chrono::milliseconds header_timeout, std::uint64_t bytes);

/// The client's X-Request-ID when it is harmless, else a new one.
std::string choose_request_id(std::string_view offered);

/// The HTTP status of an error, when the server has no error_response of its own.
Response default_error_response(const Error& error);

}  // namespace morgan::net
