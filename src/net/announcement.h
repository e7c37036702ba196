// Tells the local network of a service (DNS-SD over multicast DNS), so that clients find it by themselves. The Avahi
// daemon speaks; this only asks it to, over D-Bus.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace morgan::net {

struct AnnouncedService {
  std::string name;  ///< for people: "Morgan on kitchen"; changed when another has it
  std::string type;  ///< "_wyoming._tcp"
  std::uint16_t port = 0;
};

/// As long as it lives. It has a thread of its own. @thread any
class Announcement {
 public:
  /// Returns at once. What is in the way is logged, and nothing else: a server that nobody announces is still a server.
  /// When the daemon starts later, or again, the service is announced then.
  static std::unique_ptr<Announcement> start(AnnouncedService service);
  virtual ~Announcement() = default;
};

}  // namespace morgan::net
