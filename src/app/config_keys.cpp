// The table of keys: one row each, so that the file, the environment, --help and the documentation
// cannot drift apart.
#include "app/app_config.h"
#include "base/strings.h"

#include <fmt/format.h>

#include <limits>

namespace morgan::app {

namespace {

using Keys = std::vector<ConfigKey>;

template <typename Access>
void add_text(Keys& keys, std::string name, Access access, std::string help, bool secret = false) {
  keys.push_back({std::move(name), "text", std::move(help), secret,
                  [access](AppConfig& config, std::string_view text) -> Result<void> {
                    access(config) = std::string(text);
                    return {};
                  },
                  [access](const AppConfig& config) { return access(const_cast<AppConfig&>(config)); }});
}

template <typename Access>
void add_choice(Keys& keys, std::string name, Access access, std::vector<std::string> choices, std::string help) {
  help += " (" + join(choices, ", ") + ")";
  keys.push_back({name, "text", std::move(help), false,
                  [access, choices, name](AppConfig& config, std::string_view text) -> Result<void> {
                    for (const std::string& choice : choices) {
                      if (choice == text) {
                        access(config) = choice;
                        return {};
                      }
                    }
                    return fail(ErrorCode::kInvalidArgument,
                                fmt::format("{} is '{}', expected one of: {}", name, text, join(choices, ", ")));
                  },
                  [access](const AppConfig& config) { return access(const_cast<AppConfig&>(config)); }});
}

template <typename Access>
void add_integer(Keys& keys, std::string name, Access access, long long least, long long most, std::string help) {
  keys.push_back(
      {name, "integer", std::move(help), false,
       [access, name, least, most](AppConfig& config, std::string_view text) -> Result<void> {
         const auto number = parse_integer(text);
         if (!number || *number < least || *number > most) {
           return fail(ErrorCode::kInvalidArgument,
                       fmt::format("{} is '{}', expected an integer from {} to {}", name, text, least, most));
         }
         auto& value = access(config);
         value = static_cast<std::remove_reference_t<decltype(value)>>(*number);
         return {};
       },
       [access](const AppConfig& config) { return std::to_string(access(const_cast<AppConfig&>(config))); }});
}

template <typename Access>
void add_number(Keys& keys, std::string name, Access access, double least, double most, std::string help) {
  keys.push_back(
      {name, "number", std::move(help), false,
       [access, name, least, most](AppConfig& config, std::string_view text) -> Result<void> {
         const auto number = parse_double(text);
         if (!number || *number < least || *number > most) {
           return fail(ErrorCode::kInvalidArgument,
                       fmt::format("{} is '{}', expected a number from {} to {}", name, text, least, most));
         }
         access(config) = *number;
         return {};
       },
       [access](const AppConfig& config) { return fmt::format("{}", access(const_cast<AppConfig&>(config))); }});
}

template <typename Access>
void add_flag(Keys& keys, std::string name, Access access, std::string help) {
  keys.push_back({name, "true or false", std::move(help), false,
                  [access, name](AppConfig& config, std::string_view text) -> Result<void> {
                    if (text != "true" && text != "false" && text != "1" && text != "0") {
                      return fail(ErrorCode::kInvalidArgument,
                                  fmt::format("{} is '{}', expected true or false", name, text));
                    }
                    access(config) = text == "true" || text == "1";
                    return {};
                  },
                  [access](const AppConfig& config) {
                    return std::string(access(const_cast<AppConfig&>(config)) ? "true" : "false");
                  }});
}

void add_upstream(Keys& keys, const std::string& section, UpstreamConfig& (*upstream)(AppConfig&)) {
  add_text(
      keys, section + ".base_url", [upstream](AppConfig& c) -> auto& { return upstream(c).base_url; },
      "backend openai: address with /v1, such as http://127.0.0.1:11434/v1");
  add_text(
      keys, section + ".api_key", [upstream](AppConfig& c) -> auto& { return upstream(c).api_key; },
      "backend openai: key sent as a bearer token", true);
  add_text(
      keys, section + ".api_key_file", [upstream](AppConfig& c) -> auto& { return upstream(c).api_key_file; },
      "backend openai: file that holds the key, instead of api_key");
  add_text(
      keys, section + ".upstream_model", [upstream](AppConfig& c) -> auto& { return upstream(c).model; },
      "backend openai: name of the model there");
}

void add_server_keys(Keys& keys) {
  add_text(
      keys, "server.host", [](AppConfig& c) -> auto& { return c.server.host; },
      "address to listen on; 127.0.0.1 is this machine only");
  add_flag(
      keys, "server.insecure", [](AppConfig& c) -> auto& { return c.server.insecure; },
      "nobody needs a key: whoever reaches a port may do everything; also `morgan serve --insecure`");
  constexpr long long kLastPort = std::numeric_limits<std::uint16_t>::max();
  add_integer(
      keys, "server.core_port", [](AppConfig& c) -> auto& { return c.server.core_port; }, 0, kLastPort, "port of core");
  add_integer(
      keys, "server.llm_port", [](AppConfig& c) -> auto& { return c.server.llm_port; }, 0, kLastPort, "port of llm");
  add_integer(
      keys, "server.tts_port", [](AppConfig& c) -> auto& { return c.server.tts_port; }, 0, kLastPort, "port of tts");
  add_integer(
      keys, "server.stt_port", [](AppConfig& c) -> auto& { return c.server.stt_port; }, 0, kLastPort, "port of stt");
  add_integer(
      keys, "server.vad_port", [](AppConfig& c) -> auto& { return c.server.vad_port; }, 0, kLastPort, "port of vad");
  add_integer(
      keys, "server.max_upload_mb", [](AppConfig& c) -> auto& { return c.server.max_upload_mb; }, 1, 4000,
      "largest recording in a request, MB; more is refused with 413");
  add_integer(
      keys, "server.max_audio_seconds", [](AppConfig& c) -> auto& { return c.server.max_audio_seconds; }, 1, 86'400,
      "longest audio, seconds; more is refused with 413");
  add_integer(
      keys, "server.worker_threads", [](AppConfig& c) -> auto& { return c.server.worker_threads; }, 2, 256,
      "requests handled at once, per service");
  add_integer(
      keys, "server.queue_limit", [](AppConfig& c) -> auto& { return c.server.queue_limit; }, 1, 10'000,
      "requests that may wait, per service; more are refused with 503");
  add_integer(
      keys, "server.shutdown_grace_ms", [](AppConfig& c) -> auto& { return c.server.shutdown_grace_ms; }, 0, 600'000,
      "time that running requests get to finish when Morgan stops");
}

void add_access_keys(Keys& keys) {
  add_flag(
      keys, "access.local_needs_key", [](AppConfig& c) -> auto& { return c.access.local_needs_key; },
      "this machine itself needs a key, too");
  add_integer(
      keys, "access.key_requests_per_minute", [](AppConfig& c) -> auto& { return c.access.key_requests_per_minute; }, 0,
      1'000'000, "requests of one key; more are refused with 429; 0: no limit");
  add_integer(
      keys, "access.address_requests_per_minute",
      [](AppConfig& c) -> auto& { return c.access.address_requests_per_minute; }, 0, 1'000'000,
      "requests of one address that shows no good key, this machine apart; 0: no limit");
  add_text(
      keys, "access.allowed_origins", [](AppConfig& c) -> auto& { return c.access.allowed_origins; },
      "pages of other hosts that may use Morgan (CORS), such as https://app.example, with commas; *: all; empty: none");
  add_choice(
      keys, "access.audit", [](AppConfig& c) -> auto& { return c.access.audit; }, {"off", "refused", "all"},
      "what audit.jsonl in Morgan's home tells of requests that need a key");
  add_integer(
      keys, "access.audit_max_mb", [](AppConfig& c) -> auto& { return c.access.audit_max_mb; }, 1, 1'000,
      "a larger audit.jsonl becomes audit.jsonl.1; five of these are kept");
}

void add_tls_keys(Keys& keys) {
  add_flag(
      keys, "tls.enabled", [](AppConfig& c) -> auto& { return c.tls.enabled; },
      "HTTPS and WSS on every port, when there is a certificate");
  add_text(
      keys, "tls.certificate", [](AppConfig& c) -> auto& { return c.tls.certificate; },
      "PEM file with the certificate, those that signed it behind it; empty: tls/cert.pem in Morgan's home, if it is "
      "there");
  add_text(
      keys, "tls.key", [](AppConfig& c) -> auto& { return c.tls.key; },
      "PEM file with its key; empty: tls/key.pem in Morgan's home");
  add_text(
      keys, "client.api_key", [](AppConfig& c) -> auto& { return c.client.api_key; },
      "key that Morgan's commands, and `morgan serve core`, show to other Morgans", true);
  add_text(
      keys, "client.api_key_file", [](AppConfig& c) -> auto& { return c.client.api_key_file; },
      "file that holds it, instead of api_key");
  add_text(
      keys, "client.ca_file", [](AppConfig& c) -> auto& { return c.client.ca_file; },
      "PEM file of certificates that they trust beside the system's, such as another Morgan's own");
}

void add_engine_keys(Keys& keys) {
  add_choice(
      keys, "compute.device", [](AppConfig& c) -> auto& { return c.compute.device; }, {"auto", "cpu", "cuda"},
      "what models are computed on; auto: a GPU when this build and the machine have one");
  add_text(
      keys, "core.llm_url", [](AppConfig& c) -> auto& { return c.core.llm_url; }, "`morgan serve core`: where llm is");
  add_text(
      keys, "core.tts_url", [](AppConfig& c) -> auto& { return c.core.tts_url; }, "`morgan serve core`: where tts is");
  add_text(
      keys, "core.stt_url", [](AppConfig& c) -> auto& { return c.core.stt_url; }, "`morgan serve core`: where stt is");

  add_choice(
      keys, "llm.backend", [](AppConfig& c) -> auto& { return c.llm.backend; }, {"llama", "openai"},
      "embedded llama.cpp, or any server that speaks OpenAI's API");
  add_text(
      keys, "llm.model", [](AppConfig& c) -> auto& { return c.llm.model; }, "catalogue id, or path of a GGUF file");
  add_integer(keys, "llm.threads", [](AppConfig& c) -> auto& { return c.llm.threads; }, 0, 256, "0: one per core");
  add_integer(
      keys, "llm.context_tokens", [](AppConfig& c) -> auto& { return c.llm.context_tokens; }, 512, 1'048'576,
      "context of each conversation, tokens");
  add_integer(keys, "llm.slots", [](AppConfig& c) -> auto& { return c.llm.slots; }, 1, 64, "answers generated at once");
  add_upstream(keys, "llm", [](AppConfig& c) -> UpstreamConfig& { return c.llm.upstream; });

  add_choice(
      keys, "stt.backend", [](AppConfig& c) -> auto& { return c.stt.backend; }, {"whisper", "openai"},
      "embedded whisper.cpp, or any server that speaks OpenAI's API");
  add_text(
      keys, "stt.model", [](AppConfig& c) -> auto& { return c.stt.model; }, "catalogue id, or path of a ggml file");
  add_integer(keys, "stt.threads", [](AppConfig& c) -> auto& { return c.stt.threads; }, 0, 256, "0: one per core");
  add_upstream(keys, "stt", [](AppConfig& c) -> UpstreamConfig& { return c.stt.upstream; });

  add_choice(
      keys, "tts.backend", [](AppConfig& c) -> auto& { return c.tts.backend; }, {"local", "openai"},
      "embedded Piper and Kokoro, or any server that speaks OpenAI's API");
  add_text(keys, "tts.voice", [](AppConfig& c) -> auto& { return c.tts.voice; }, "what the voice \"default\" means");
  add_flag(keys, "tts.piper", [](AppConfig& c) -> auto& { return c.tts.piper; }, "load the fast voice");
  add_flag(
      keys, "tts.kokoro", [](AppConfig& c) -> auto& { return c.tts.kokoro; }, "load the 28 good voices (about 200 MB)");
  add_integer(keys, "tts.threads", [](AppConfig& c) -> auto& { return c.tts.threads; }, 0, 256, "0: one per core");
  add_upstream(keys, "tts", [](AppConfig& c) -> UpstreamConfig& { return c.tts.upstream; });

  add_choice(
      keys, "embed.backend", [](AppConfig& c) -> auto& { return c.embed.backend; }, {"llama", "openai"},
      "embedded llama.cpp, or any server that speaks OpenAI's API");
  add_text(
      keys, "embed.model", [](AppConfig& c) -> auto& { return c.embed.model; }, "catalogue id, or path of a GGUF file");
  add_upstream(keys, "embed", [](AppConfig& c) -> UpstreamConfig& { return c.embed.upstream; });
}

void add_live_keys(Keys& keys) {
  add_integer(
      keys, "live.min_wait_ms", [](AppConfig& c) -> auto& { return c.live.min_wait_ms; }, 100, 5'000,
      "shortest silence that ends a spoken turn, when all signs agree");
  add_integer(
      keys, "live.max_wait_ms", [](AppConfig& c) -> auto& { return c.live.max_wait_ms; }, 200, 10'000,
      "longest: then the turn is over, whatever the signs");
  add_integer(
      keys, "live.lead_ms", [](AppConfig& c) -> auto& { return c.live.lead_ms; }, 20, 2'000,
      "voice is sent so far ahead of being heard; more for a bad network, less to be interrupted sooner");
  add_integer(
      keys, "live.max_turn_seconds", [](AppConfig& c) -> auto& { return c.live.max_turn_seconds; }, 5, 110,
      "who speaks so long without a pause is answered");
  add_integer(
      keys, "live.filler_ms", [](AppConfig& c) -> auto& { return c.live.filler_ms; }, 0, 60'000,
      "an answer that takes so long is announced by a short word; 0: never");
  add_integer(
      keys, "live.idle_prompt_seconds", [](AppConfig& c) -> auto& { return c.live.idle_prompt_seconds; }, 0, 3'600,
      "after so much silence Morgan asks whether you are still there; 0: never");
  add_integer(
      keys, "live.max_sessions", [](AppConfig& c) -> auto& { return c.live.max_sessions; }, 1, 100'000,
      "real-time conversations that may be open");
  add_integer(
      keys, "live.max_streams", [](AppConfig& c) -> auto& { return c.live.max_streams; }, 0, 100'000,
      "microphones listened to at once; 0: measured at start");
  add_flag(
      keys, "live.record_turns", [](AppConfig& c) -> auto& { return c.live.record_turns; },
      "keep what was said in turns/ of Morgan's home, for `morgan replay`; off: no audio is kept");
  add_flag(
      keys, "live.webrtc", [](AppConfig& c) -> auto& { return c.live.webrtc; },
      "take conversations by WebRTC (/v1/realtime/calls), whose audio comes over UDP to server.host");
  add_integer(
      keys, "live.webrtc_port", [](AppConfig& c) -> auto& { return c.live.webrtc_port; }, 0, 65'535,
      "the UDP port of them all, as a firewall or container needs it; 0: a free one for each");
  add_text(
      keys, "live.webrtc_address", [](AppConfig& c) -> auto& { return c.live.webrtc_address; },
      "a further address at which clients reach this machine, as that of a container's host; empty: none");
}

void add_wyoming_keys(Keys& keys) {
  add_flag(
      keys, "wyoming.enabled", [](AppConfig& c) -> auto& { return c.wyoming.enabled; },
      "serve Home Assistant's protocol together with core");
  add_text(
      keys, "wyoming.host", [](AppConfig& c) -> auto& { return c.wyoming.host; },
      "its address; the protocol knows no keys, so another than this machine's lets everybody there in, and needs an "
      "API key or server.insecure as server.host does; empty: server.host when that is this machine or "
      "server.insecure, else 127.0.0.1");
  add_integer(
      keys, "wyoming.port", [](AppConfig& c) -> auto& { return c.wyoming.port; }, 0,
      std::numeric_limits<std::uint16_t>::max(), "its port");
  add_integer(
      keys, "wyoming.max_connections", [](AppConfig& c) -> auto& { return c.wyoming.max_connections; }, 1, 10'000,
      "clients that may be connected; more are closed at once");
  add_flag(
      keys, "wyoming.announce", [](AppConfig& c) -> auto& { return c.wyoming.announce; },
      "tell the local network, through the Avahi daemon; never while only this machine reaches it");
  add_flag(
      keys, "wyoming.wake_words", [](AppConfig& c) -> auto& { return c.wyoming.wake_words; },
      "listen for wake words, when the model open-wake-word is there");
  add_number(
      keys, "wyoming.wake_threshold", [](AppConfig& c) -> auto& { return c.wyoming.wake_threshold; }, 0.05, 0.99,
      "how sure it must be; more for fewer false alarms, less to be heard sooner");
}

void add_store_keys(Keys& keys) {
  add_text(
      keys, "store.file", [](AppConfig& c) -> auto& { return c.store.file; },
      "database of the conversations; empty: morgan.db in Morgan's home");
  add_text(
      keys, "store.url", [](AppConfig& c) -> auto& { return c.store.url; },
      "PostgreSQL instead of the file: postgresql://USER:PASSWORD@HOST:PORT/DATABASE", true);
  add_text(
      keys, "store.url_file", [](AppConfig& c) -> auto& { return c.store.url_file; },
      "file that holds the url, instead of store.url");
  add_integer(
      keys, "store.connections", [](AppConfig& c) -> auto& { return c.store.connections; }, 1, 100,
      "PostgreSQL: connections that may be open");
  add_integer(
      keys, "store.journal_mb", [](AppConfig& c) -> auto& { return c.store.journal_mb; }, 1, 4'000,
      "PostgreSQL: writes that may wait on this machine's disk while it is away, MB");
  add_text(
      keys, "cache.url", [](AppConfig& c) -> auto& { return c.cache.url; },
      "Redis or Valkey: redis://USER:PASSWORD@HOST:PORT/DATABASE; empty: this process' memory", true);
  add_text(
      keys, "cache.url_file", [](AppConfig& c) -> auto& { return c.cache.url_file; },
      "file that holds the url, instead of cache.url");
  add_integer(
      keys, "cache.memory_mb", [](AppConfig& c) -> auto& { return c.cache.memory_mb; }, 1, 100'000,
      "what the cache may take of this process' memory, MB");
  add_integer(
      keys, "cache.speech_mb", [](AppConfig& c) -> auto& { return c.cache.speech_mb; }, 0, 1'000'000,
      "synthesized speech that is kept on disk, MB; 0: none");
}

void add_webhook_keys(Keys& keys) {
  add_text(
      keys, "webhooks.urls", [](AppConfig& c) -> auto& { return c.webhooks.urls; },
      "addresses that are told when a conversation begins or ends and when a service fails, with commas between them");
  add_text(
      keys, "webhooks.secret", [](AppConfig& c) -> auto& { return c.webhooks.secret; },
      "key that their messages are signed with", true);
  add_text(
      keys, "webhooks.secret_file", [](AppConfig& c) -> auto& { return c.webhooks.secret_file; },
      "file that holds it, instead of secret");
}

void add_tool_keys(Keys& keys) {
  add_flag(
      keys, "tools.enabled", [](AppConfig& c) -> auto& { return c.tools.enabled; },
      "timers, lists, notes, arithmetic and the other tools; false: Morgan only talks");
  add_flag(
      keys, "tools.ask_model", [](AppConfig& c) -> auto& { return c.tools.ask_model; },
      "a request that hints at a tool and fits no rule is shown to the language model");
  add_text(
      keys, "tools.rules", [](AppConfig& c) -> auto& { return c.tools.rules; },
      "who may use what, the first that fits: USER:TOOL=allow, ask or deny, such as guest:home*=deny, "
      "*:home_dim=allow");
  add_text(
      keys, "tools.time_zone", [](AppConfig& c) -> auto& { return c.tools.time_zone; },
      "such as Europe/Berlin; empty: the machine's");
  add_text(
      keys, "tools.weather_url", [](AppConfig& c) -> auto& { return c.tools.weather_url; },
      "forecast address of a server that speaks Open-Meteo's API; empty: no weather");
  add_text(
      keys, "tools.geocoding_url", [](AppConfig& c) -> auto& { return c.tools.geocoding_url; },
      "its address for names of places; empty: the weather of tools.weather_place only");
  add_text(
      keys, "tools.weather_place", [](AppConfig& c) -> auto& { return c.tools.weather_place; },
      "where you are: latitude,longitude or a name");
  add_text(
      keys, "tools.search_url", [](AppConfig& c) -> auto& { return c.tools.search_url; },
      "search address of a SearXNG with JSON switched on; empty: no web search");
  add_text(
      keys, "tools.home_assistant_url", [](AppConfig& c) -> auto& { return c.tools.home_assistant_url; },
      "address of Home Assistant, such as http://homeassistant.local:8123; empty: no house");
  add_text(
      keys, "tools.home_assistant_token", [](AppConfig& c) -> auto& { return c.tools.home_assistant_token; },
      "long-lived access token of Home Assistant", true);
  add_text(
      keys, "tools.home_assistant_token_file", [](AppConfig& c) -> auto& { return c.tools.home_assistant_token_file; },
      "file that holds the token, instead of it");
}

Keys make_keys() {
  Keys keys;
  add_server_keys(keys);
  add_access_keys(keys);
  add_tls_keys(keys);
  add_engine_keys(keys);
  add_text(
      keys, "dialogue.system_prompt", [](AppConfig& c) -> auto& { return c.dialogue.system_prompt; },
      "who Morgan is; stands before every conversation");
  add_integer(
      keys, "dialogue.max_history_messages", [](AppConfig& c) -> auto& { return c.dialogue.max_history_messages; }, 0,
      1000, "messages of the past that the model sees");
  add_integer(
      keys, "dialogue.max_tokens", [](AppConfig& c) -> auto& { return c.dialogue.max_tokens; }, 1, 32'768,
      "longest answer, tokens");
  add_number(
      keys, "dialogue.temperature", [](AppConfig& c) -> auto& { return c.dialogue.temperature; }, 0, 2,
      "0 always gives the likeliest answer");
  add_live_keys(keys);
  add_wyoming_keys(keys);
  add_webhook_keys(keys);
  add_tool_keys(keys);
  add_store_keys(keys);
  add_text(
      keys, "models.hub_endpoint", [](AppConfig& c) -> auto& { return c.hub_endpoint; },
      "mirror of the model hub; empty: the official one");
  add_choice(
      keys, "log.level", [](AppConfig& c) -> auto& { return c.log_level; }, {"debug", "info", "warn", "error", "off"},
      "lowest level that is written");
  return keys;
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const Keys kKeys = make_keys();
  return kKeys;
}

}  // namespace morgan::app
