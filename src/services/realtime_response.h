// One response of a Realtime session as its events: opened, filled with text, voice and function calls, and closed,
// always in the order that strict clients insist on. It names things as GA does; RealtimeDialect's other names are
// made when an event is sent.
#pragma once

#include "base/json_util.h"
#include "dialogue/live/live_types.h"
#include "services/realtime_items.h"
#include "services/realtime_settings.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace morgan::services {

using RealtimeSend = std::function<void(OrderedJson event)>;

struct RealtimeResponseSpec {
  RealtimeReply reply;
  Json metadata;                ///< null: none
  std::string conversation_id;  ///< "": outside the conversation
};

/// How it ended.
struct RealtimeOutcome {
  std::string status;               ///< completed, cancelled, incomplete, failed
  std::string reason;               ///< of cancelled and incomplete
  std::optional<Error> error = {};  ///< of failed
  std::optional<engines::ChatUsage> usage = {};
};

/// Begins with response.created. @thread the conversation's strand
class RealtimeResponse {
 public:
  /// @param items  where its items go; null: nowhere. Both outlive this
  RealtimeResponse(RealtimeSend send, RealtimeItems* items, RealtimeResponseSpec spec);

  const std::string& id() const { return id_; }
  const RealtimeResponseSpec& spec() const { return spec_; }
  /// Of its message, or "".
  const std::string& item_id() const { return item_.id; }

  void add_text(const std::string& delta);
  /// For audio that has a way of its own: what follows belongs to a message.
  void begin_message();
  /// @param bytes  in the response's own format
  void add_audio(std::string_view bytes);
  /// Closes the message and adds the call.
  void add_call(const engines::ToolCall& call);
  /// Closes everything. @param heard  what the conversation keeps of the message
  void finish(const RealtimeOutcome& outcome, const std::string& heard);

  /// The message as it is so far, in the conversation; null: there is none, or the client has deleted it.
  RealtimeItem* message();

 private:
  OrderedJson event(const std::string& type) const;
  OrderedJson part_event(const std::string& type) const;
  OrderedJson part_json() const;
  OrderedJson json(const std::string& status) const;
  void open_message();
  void close_message(const std::string& status, const std::string& heard);
  void open_item(const RealtimeItem& item);
  void close_item(const RealtimeItem& item);

  const RealtimeSend send_;
  RealtimeItems* const items_;
  const RealtimeResponseSpec spec_;
  const std::string id_;
  OrderedJson previous_;  // id of the item before the one that is open; null: none
  RealtimeItem item_;     // the message; id "": not begun
  std::string text_;
  bool closed_ = false;  // the message is
  std::size_t outputs_ = 0;
  OrderedJson output_ = OrderedJson::array();
};

}  // namespace morgan::services
