// /ws/audio on core: the wire form of a live conversation (docs/realtime.md). Translates, and decides nothing.
#pragma once

#include "dialogue/live/live_service.h"
#include "net/http_types.h"
#include "net/ws_types.h"

#include <memory>

namespace morgan::services {

/// The session of a new client, for Router::add_ws_session. @param live outlives every session
std::shared_ptr<net::WsSession> make_live_socket(dialogue::live::LiveService& live, const net::Request& request,
                                                 std::shared_ptr<net::WsPeer> peer);

}  // namespace morgan::services
