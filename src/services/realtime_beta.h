// The beta's names for GA's events.
#pragma once

#include "base/json_util.h"

#include <optional>

namespace morgan::services {

/// The event as a client of the beta knows it; nullopt: the beta has none such.
std::optional<OrderedJson> beta_event(OrderedJson event);

}  // namespace morgan::services
