#include "net/announcement.h"

#include "base/log.h"

#include <avahi-client/client.h>
#include <avahi-client/publish.h>
#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-common/thread-watch.h>

#include <sys/time.h>

namespace morgan::net {

namespace {

constexpr const char* kArea = "announce";

struct PollDeleter {
  void operator()(AvahiThreadedPoll* poll) const { avahi_threaded_poll_free(poll); }
};
struct ClientDeleter {
  void operator()(AvahiClient* client) const { avahi_client_free(client); }
};

// The callbacks run on the poll's thread; what they use is theirs once it has been started.
class AvahiAnnouncement final : public Announcement {
 public:
  explicit AvahiAnnouncement(AnnouncedService service) : service_(std::move(service)) {}

  ~AvahiAnnouncement() override {
    if (poll_) avahi_threaded_poll_stop(poll_.get());
  }

  void open() {
    poll_.reset(avahi_threaded_poll_new());
    if (!poll_) return;
    // On the poll's thread: a new client waits for the daemon's answer, and a daemon that hangs is nobody's concern.
    const AvahiPoll* const api = avahi_threaded_poll_get(poll_.get());
    constexpr timeval kAtOnce{};
    api->timeout_new(api, &kAtOnce, &on_start, this);
    if (avahi_threaded_poll_start(poll_.get()) < 0) poll_.reset();
  }

 private:
  static void on_start(AvahiTimeout* timeout, void* self) {
    auto& announcement = *static_cast<AvahiAnnouncement*>(self);
    avahi_threaded_poll_get(announcement.poll_.get())->timeout_free(timeout);
    announcement.connect();
  }

  void connect() {
    group_ = nullptr;
    client_.reset();
    int error = 0;
    client_.reset(
        avahi_client_new(avahi_threaded_poll_get(poll_.get()), AVAHI_CLIENT_NO_FAIL, &on_client, this, &error));
    if (!client_) give_up(error);
  }

  static void on_client(AvahiClient* client, AvahiClientState state, void* self) {
    static_cast<AvahiAnnouncement*>(self)->client_changed(client, state);
  }
  static void on_group(AvahiEntryGroup* group, AvahiEntryGroupState state, void* self) {
    static_cast<AvahiAnnouncement*>(self)->group_changed(group, state);
  }

  void client_changed(AvahiClient* client, AvahiClientState state) {
    switch (state) {
      case AVAHI_CLIENT_S_RUNNING:
        register_service(client);
        break;
      case AVAHI_CLIENT_S_COLLISION:
      case AVAHI_CLIENT_S_REGISTERING:
        // The host's own name changes; the service follows when it stands.
        if (group_ != nullptr) avahi_entry_group_reset(group_);
        break;
      case AVAHI_CLIENT_CONNECTING:
        log::info(kArea, "no Avahi daemon runs; the service is announced when one does (apt-get install avahi-daemon)",
                  {{"type", service_.type}});
        break;
      case AVAHI_CLIENT_FAILURE:
        // The daemon has ended, and may be on its way back; a client of the one before is of no more use.
        if (avahi_client_errno(client) == AVAHI_ERR_DISCONNECTED) {
          connect();
        } else {
          give_up(avahi_client_errno(client));
        }
        break;
    }
  }

  void register_service(AvahiClient* client) {
    if (group_ == nullptr) group_ = avahi_entry_group_new(client, &on_group, this);
    if (group_ == nullptr) return give_up(avahi_client_errno(client));
    if (avahi_entry_group_is_empty(group_) == 0) return;
    constexpr int kAttempts = 8;
    int error = AVAHI_ERR_COLLISION;
    for (int attempt = 0; attempt < kAttempts && error == AVAHI_ERR_COLLISION; ++attempt) {
      if (attempt > 0) rename();
      error = avahi_entry_group_add_service(group_, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, AvahiPublishFlags{},
                                            service_.name.c_str(), service_.type.c_str(), nullptr, nullptr,
                                            service_.port, nullptr);
    }
    if (error == 0) error = avahi_entry_group_commit(group_);
    if (error != 0) give_up(error);
  }

  void group_changed(AvahiEntryGroup* group, AvahiEntryGroupState state) {
    group_ = group;
    if (state == AVAHI_ENTRY_GROUP_ESTABLISHED) {
      log::info(kArea, "the local network knows the service",
                {{"name", service_.name}, {"type", service_.type}, {"port", std::to_string(service_.port)}});
    } else if (state == AVAHI_ENTRY_GROUP_COLLISION) {
      rename();
      avahi_entry_group_reset(group);
      register_service(avahi_entry_group_get_client(group));
    } else if (state == AVAHI_ENTRY_GROUP_FAILURE) {
      give_up(avahi_client_errno(avahi_entry_group_get_client(group)));
    }
  }

  void rename() {
    char* other = avahi_alternative_service_name(service_.name.c_str());
    service_.name = other;
    avahi_free(other);
  }

  void give_up(int error) const {
    log::info(kArea, "the service is not announced", {{"type", service_.type}, {"why", avahi_strerror(error)}});
  }

  AnnouncedService service_;
  std::unique_ptr<AvahiThreadedPoll, PollDeleter> poll_;
  std::unique_ptr<AvahiClient, ClientDeleter> client_;
  AvahiEntryGroup* group_ = nullptr;  // the client's
};

}  // namespace

std::unique_ptr<Announcement> Announcement::start(AnnouncedService service) {
  auto announcement = std::make_unique<AvahiAnnouncement>(std::move(service));
  announcement->open();
  return announcement;
}

}  // namespace morgan::net
