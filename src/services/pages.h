// The pages in web/, which travel inside the binary. They bring their own script and style, load nothing from
// elsewhere and talk to this server only; their headers hold the browser to that.
#pragma once

#include "services/api_routes.h"

namespace morgan::services {

/// The routes of a service as a page. @thread any
net::Response docs_page();

/// Where people talk to Morgan. @thread any
net::Response voice_page();

/// Adds /voice and /voice/worklet.js.
void add_voice_page_routes(ApiRoutes& routes);

}  // namespace morgan::services
