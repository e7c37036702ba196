#include "services/pages.h"

#include "services/embedded_files.h"

namespace morgan::services {

namespace {

net::Response embedded_file(std::string_view content, std::string_view media_type) {
  net::Response response = net::Response::bytes(std::string(content), std::string(media_type));
  response.headers.emplace("X-Content-Type-Options", "nosniff");
  response.headers.emplace("Cache-Control", "no-cache");  // it changes with the binary
  return response;
}

net::Response page(std::string_view html, std::string_view scripts) {
  net::Response response = embedded_file(html, "text/html; charset=utf-8");
  response.headers.emplace("Content-Security-Policy",
                           "default-src 'none'; script-src " + std::string(scripts) +
                               "; style-src 'unsafe-inline'; connect-src 'self'; media-src 'self' blob: data:; "
                               "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return response;
}

}  // namespace

net::Response docs_page() {
  return page(embedded::docs_page, "'unsafe-inline'");
}

net::Response voice_page() {
  // 'self': a browser's audio thread takes its program from an address only.
  return page(embedded::voice_page, "'unsafe-inline' 'self'");
}

void add_voice_page_routes(ApiRoutes& routes) {
  routes.add(
      net::Method::kGet, "/voice",
      {.tag = "conversation", .summary = "A page to talk to Morgan", .other_answers = {"text/html"}, .scope = kOpen},
      [](const net::Request&) -> Result<net::Response> { return voice_page(); }, ApiRoutes::inline_options());
  routes.add(
      net::Method::kGet, "/voice/worklet.js",
      {.tag = "conversation",
       .summary = "The audio thread of /voice",
       .other_answers = {"text/javascript"},
       .scope = kOpen},
      [](const net::Request&) -> Result<net::Response> {
        return embedded_file(embedded::voice_worklet, "text/javascript; charset=utf-8");
      },
      ApiRoutes::inline_options());
}

}  // namespace morgan::services
