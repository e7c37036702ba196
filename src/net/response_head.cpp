#include "net/response_head.h"

#include "base/strings.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace morgan::net {

namespace {

// Told by the server itself, whatever a handler sets.
constexpr std::array<std::string_view, 6> kReserved = {"Content-Length", "Transfer-Encoding", "Connection",
                                                       "Date",           "X-Request-ID",      "Keep-Alive"};

bool is_safe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_reserved(std::string_view name) {
  return std::any_of(kReserved.begin(), kReserved.end(), [&](auto known) { return equals_ignore_case(known, name); });
}

// RFC 9110, section 5.6.7. The day and month names are English whatever the locale is.
std::string http_date() {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                     utc.tm_sec);
}

}  // namespace

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

std::string response_head(const Response& response, Framing framing, Persistence persistence,
                          const std::string& request_id) {
  const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nX-Request-ID: {}\r\n", response.status,
                                 std::string_view(reason.data(), reason.size()), http_date(), request_id);
  for (const auto& [name, value] : response.headers) {
    if (name.empty() || !is_safe(name) || !is_safe(value) || is_reserved(name)) continue;
    head += fmt::format("{}: {}\r\n", name, value);
  }
  if (!has_no_body(response.status)) {
    if (framing == Framing::kLength) head += fmt::format("Content-Length: {}\r\n", response.body.size());
    if (framing == Framing::kChunked) head += "Transfer-Encoding: chunked\r\n";
  }
  if (persistence == Persistence::kClose) head += "Connection: close\r\n";
  if (persistence == Persistence::kKeepAliveTold) head += "Connection: keep-alive\r\n";
  return head += "\r\n";
}

}  // namespace morgan::net
