#include "services/realtime_items.h"

#include "audio/pcm16.h"
#include "audio/stream_resampler.h"
#include "base/base64.h"
#include "base/strings.h"
#include "services/realtime_fields.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace morgan::services {

namespace {

using Kind = RealtimeItem::Kind;

constexpr int kPcmRate = 24'000;
constexpr std::size_t kMostText = 100'000;
/// One item's audio that is kept for conversation.item.retrieve; more would not fit into one answer.
constexpr double kLongestAudio = 40;
constexpr std::size_t kBytesPerToken = 3;
constexpr std::size_t kTokensPerMessage = 8;

std::size_t estimated_tokens(const engines::ChatMessage& message) {
  std::size_t bytes = message.content.size();
  for (const auto& call : message.tool_calls)
    bytes += call.name.size() + call.arguments.size();
  return bytes / kBytesPerToken + kTokensPerMessage;
}

std::string audio_base64(const RealtimeItem& item) {
  std::vector<float> samples;
  samples.reserve(item.audio.size());
  for (const std::int16_t value : item.audio)
    samples.push_back(audio::from_pcm16(value));
  if (item.rate_hz != kPcmRate) {
    auto resampler = audio::StreamResampler::create(item.rate_hz, kPcmRate);
    if (!resampler) return {};
    std::vector<float> converted = resampler->push(samples);
    const std::vector<float> rest = resampler->flush();
    converted.insert(converted.end(), rest.begin(), rest.end());
    samples = std::move(converted);
  }
  return base64_encode(audio::encode_pcm16(samples));
}

Result<void> read_part(const RealtimeFields& fields, RealtimeItem& item) {
  MORGAN_TRY(std::string type, fields.required_text("type"));
  const bool assistant = item.role == "assistant";
  if (type == "text") type = assistant ? "output_text" : "input_text";
  if (type == "audio") type = assistant ? "output_audio" : "input_audio";
  if (type == "input_image") return fields.invalid("type", "the model here has no eyes; send text or audio");
  const std::string_view prefix = assistant ? "output_" : "input_";
  if ((type != "input_text" && type != "input_audio" && type != "output_text" && type != "output_audio") ||
      !type.starts_with(prefix) || (item.role == "system" && type != "input_text"))
    return fields.invalid("type", "content of type '" + type + "' does not belong into a message of the " + item.role);
  RealtimePart part;
  part.type = type;
  const bool spoken = type.ends_with("audio");
  MORGAN_TRY(const auto text, fields.text(spoken ? "transcript" : "text"));
  if (!text && !spoken) return fields.missing("text");
  if (text && text->size() > kMostText) return fields.invalid("text", "a text is longer than 100000 bytes");
  part.text = text.value_or("");
  part.told = text.has_value();
  item.content.push_back(std::move(part));
  if (!spoken) return {};
  MORGAN_TRY(const auto encoded, fields.text("audio"));
  if (!encoded) return {};
  auto bytes = base64_decode(*encoded);
  if (!bytes) return fields.invalid("audio", "field 'audio' is not base64");
  const audio::PcmBuffer pcm = audio::decode_pcm16(std::string_view(*bytes).substr(0, bytes->size() / 2 * 2), kPcmRate);
  item.add_audio(pcm.samples, kPcmRate);
  if (item.audio.size() < item.audio_samples)
    return fields.invalid("audio", "the audio of an item has more than 40 s; append it to the buffer and commit it");
  return {};
}

Result<void> read_message(const RealtimeFields& fields, const std::string& path, RealtimeItem& item) {
  MORGAN_TRY(const auto role, fields.word("role", {"user", "assistant", "system"}));
  if (!role) return fields.missing("role");
  item.role = *role;
  MORGAN_TRY(const Json* content, fields.list("content"));
  if (content == nullptr || content->empty()) return fields.missing("content");
  if (content->size() > 64) return fields.invalid("content", "at most 64 parts are taken");
  for (std::size_t i = 0; i < content->size(); ++i) {
    const std::string place = path + ".content[" + std::to_string(i) + "]";
    if (!(*content)[i].is_object()) return fields.wrong_type("content[" + std::to_string(i) + "]", "an object");
    MORGAN_CHECK_OK(read_part(RealtimeFields((*content)[i], place), item));
  }
  return {};
}

/// What the model is told of an item; nothing: role is "".
engines::ChatMessage message_of(const RealtimeItem& item) {
  engines::ChatMessage message;
  switch (item.kind) {
    case Kind::kMessage:
      message.content = item.text();
      if (!message.content.empty()) message.role = item.role;
      break;
    case Kind::kFunctionCall:
      message.role = "assistant";
      message.tool_calls.push_back({item.call_id, item.name, item.arguments});
      break;
    case Kind::kFunctionOutput:
      message.role = "tool";
      message.content = item.output;
      message.tool_call_id = item.call_id;
      break;
  }
  return message;
}

/// Neighbours of one role become one message, for some chat templates refuse them otherwise.
void add_message(std::vector<engines::ChatMessage>& messages, engines::ChatMessage message) {
  if (message.role.empty()) return;
  const bool joins = !messages.empty() && messages.back().role == message.role && message.role != "tool";
  if (!joins) {
    messages.push_back(std::move(message));
    return;
  }
  engines::ChatMessage& last = messages.back();
  if (!last.content.empty() && !message.content.empty()) last.content += "\n";
  last.content += message.content;
  last.tool_calls.insert(last.tool_calls.end(), message.tool_calls.begin(), message.tool_calls.end());
}

}  // namespace

std::string RealtimeItem::text() const {
  std::string all;
  for (const RealtimePart& part : content) {
    if (part.text.empty()) continue;
    all += (all.empty() ? "" : "\n") + part.text;
  }
  return all;
}

void RealtimeItem::add_audio(std::span<const float> samples, int rate) {
  audio_samples += samples.size();
  rate_hz = rate;
  if (static_cast<double>(audio_samples) > kLongestAudio * rate) {
    audio = {};
    return;
  }
  std::transform(samples.begin(), samples.end(), std::back_inserter(audio), audio::to_pcm16);
}

Result<RealtimeItem> read_item(const Json& json, const std::string& path) {
  const RealtimeFields fields(json, path);
  RealtimeItem item;
  MORGAN_TRY(const auto id, fields.text("id"));
  if (id && (id->empty() || id->size() > 128)) return fields.invalid("id", "an id has 1 to 128 characters");
  item.id = id.value_or("");
  MORGAN_TRY(const auto type, fields.word("type", {"message", "function_call", "function_call_output"}));
  if (!type) return fields.missing("type");
  if (*type == "message") {
    MORGAN_CHECK_OK(read_message(fields, path, item));
    return item;
  }
  MORGAN_TRY(item.call_id, fields.required_text("call_id"));
  if (*type == "function_call") {
    item.kind = Kind::kFunctionCall;
    MORGAN_TRY(item.name, fields.required_text("name"));
    MORGAN_TRY(item.arguments, fields.required_text("arguments"));
  } else {
    item.kind = Kind::kFunctionOutput;
    MORGAN_TRY(item.output, fields.required_text("output"));
  }
  if (item.arguments.size() + item.output.size() > kMostText)
    return fields.invalid("output", "a call or its output is longer than 100000 bytes");
  return item;
}

OrderedJson item_json(const RealtimeItem& item, bool with_audio) {
  OrderedJson json{{"id", item.id}, {"object", "realtime.item"}};
  if (item.kind == Kind::kFunctionCall) {
    json.update({{"type", "function_call"},
                 {"status", item.status},
                 {"call_id", item.call_id},
                 {"name", item.name},
                 {"arguments", item.arguments}});
    return json;
  }
  if (item.kind == Kind::kFunctionOutput) {
    json.update({{"type", "function_call_output"},
                 {"status", item.status},
                 {"call_id", item.call_id},
                 {"output", item.output}});
    return json;
  }
  OrderedJson content = OrderedJson::array();
  for (const RealtimePart& part : item.content) {
    OrderedJson written{{"type", part.type}};
    if (part.type.ends_with("audio")) {
      written["transcript"] = part.told ? OrderedJson(part.text) : OrderedJson(nullptr);
      if (with_audio && !item.audio.empty()) written["audio"] = audio_base64(item);
    } else {
      written["text"] = part.text;
    }
    content.push_back(std::move(written));
  }
  json.update({{"type", "message"}, {"status", item.status}, {"role", item.role}});
  json["content"] = std::move(content);
  return json;
}

RealtimeItem* RealtimeItems::find(const std::string& id) {
  const auto found = std::find_if(items_.begin(), items_.end(), [&](const auto& item) { return item.id == id; });
  return found == items_.end() ? nullptr : &*found;
}

Result<std::string> RealtimeItems::insert(RealtimeItem item, const std::string& after) {
  if (find(item.id) != nullptr)
    return fail(Error{ErrorCode::kConflict, "there is an item '" + item.id + "' already", "invalid_value", "item.id"});
  auto place = after == "root" ? items_.begin() : items_.end();
  if (!after.empty() && after != "root") {
    place = std::find_if(items_.begin(), items_.end(), [&](const auto& other) { return other.id == after; });
    if (place == items_.end())
      return fail(
          Error{ErrorCode::kNotFound, "there is no item '" + after + "'", "item_not_found", "previous_item_id"});
    ++place;
  }
  std::string before = place == items_.begin() ? "" : std::prev(place)->id;
  items_.insert(place, std::move(item));
  if (items_.size() > kMostItems) items_.pop_front();
  trim_audio();
  return before;
}

bool RealtimeItems::erase(const std::string& id) {
  return items_.remove_if([&](const auto& item) { return item.id == id; }) > 0;
}

void RealtimeItems::trim_audio() {
  std::size_t samples = 0;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    samples += item->audio.size();
    if (samples > kMostAudio) item->audio = {};
  }
}

std::vector<engines::ChatMessage> RealtimeItems::prompt_of(const std::string& instructions,
                                                           std::span<const RealtimeItem* const> items) {
  // What the client says as the system goes to the front: templates know a system message there only.
  std::string system = instructions;
  std::vector<engines::ChatMessage> messages{{"system", ""}};
  for (const RealtimeItem* item : items) {
    engines::ChatMessage message = message_of(*item);
    if (message.role == "system") {
      system += (system.empty() ? "" : "\n") + message.content;
    } else {
      add_message(messages, std::move(message));
    }
  }
  messages.front().content = system;
  if (system.empty() && messages.size() > 1) messages.erase(messages.begin());
  return messages;
}

std::vector<engines::ChatMessage> RealtimeItems::prompt_with(const std::string& instructions,
                                                             const std::string& user_text) const {
  std::vector<const RealtimeItem*> items;
  for (const RealtimeItem& item : items_) {
    if (item.id != reopened_) items.push_back(&item);
  }
  std::vector<engines::ChatMessage> messages = prompt_of(instructions, items);
  if (!user_text.empty()) add_message(messages, {"user", user_text});
  if (limits_.context_tokens == 0) return messages;
  const std::size_t first = messages.front().role == "system" ? 1 : 0;
  const auto room = static_cast<std::size_t>(std::max(0, limits_.context_tokens - limits_.answer_tokens));
  std::size_t needed = 0;
  for (const auto& message : messages)
    needed += estimated_tokens(message);
  // The oldest exchanges go, half of what is there at once: most prompts then begin like the one before.
  while (needed > room && messages.size() > first + 1) {
    std::size_t drop = std::max<std::size_t>(1, (messages.size() - first) / 2);
    while (first + drop < messages.size() - 1 && messages[first + drop].role != "user")
      ++drop;
    const auto begin = messages.begin() + static_cast<std::ptrdiff_t>(first);
    for (std::size_t i = 0; i < drop; ++i)
      needed -= estimated_tokens(messages[first + i]);
    messages.erase(begin, begin + static_cast<std::ptrdiff_t>(drop));
  }
  return messages;
}

}  // namespace morgan::services
