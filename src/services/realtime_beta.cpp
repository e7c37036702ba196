#include "services/realtime_beta.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace morgan::services {

namespace {

constexpr std::array kPrefixes{std::pair{"response.output_text.", "response.text."},
                               std::pair{"response.output_audio_transcript.", "response.audio_transcript."},
                               std::pair{"response.output_audio.", "response.audio."}};

void rename_content(OrderedJson& item) {
  const auto content = item.find("content");
  if (content == item.end() || !content->is_array()) return;
  for (OrderedJson& part : *content) {
    if (part["type"] == "output_text") part["type"] = "text";
    if (part["type"] == "output_audio") part["type"] = "audio";
  }
}

void rename_response(OrderedJson& response) {
  const bool speaks = response["output_modalities"] == OrderedJson::array({"audio"});
  response["modalities"] = speaks ? OrderedJson::array({"text", "audio"}) : OrderedJson::array({"text"});
  const OrderedJson output = response["audio"]["output"];
  const OrderedJson& format = output["format"]["type"];
  response["voice"] = output["voice"];
  response["output_audio_format"] = format == "audio/pcmu"   ? "g711_ulaw"
                                    : format == "audio/pcma" ? "g711_alaw"
                                                             : "pcm16";
  response.erase("output_modalities");
  response.erase("audio");
  for (OrderedJson& item : response["output"])
    rename_content(item);
}

}  // namespace

std::optional<OrderedJson> beta_event(OrderedJson event) {
  const std::string type = event["type"].get<std::string>();
  if (type == "conversation.item.done") return std::nullopt;
  if (type == "conversation.item.added") event["type"] = "conversation.item.created";
  for (const auto& [ga, beta] : kPrefixes) {
    if (std::string_view(type).starts_with(ga)) event["type"] = beta + type.substr(std::string_view(ga).size());
  }
  if (event.contains("item")) rename_content(event["item"]);
  if (event.contains("response")) rename_response(event["response"]);
  return event;
}

}  // namespace morgan::services
