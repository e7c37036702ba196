// Morgan's configuration: one TOML file, every key also an environment variable MORGAN_SECTION_KEY.
// Order of precedence: environment, file, default. An unknown key is an error that names the nearest.
#pragma once

#include "base/result.h"
#include "mcp/remote_tool.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::app {

struct ServerConfig {
  std::string host = "127.0.0.1";
  bool insecure = false;
  std::uint16_t core_port = 8000;
  std::uint16_t llm_port = 8001;
  std::uint16_t tts_port = 8002;
  std::uint16_t stt_port = 8003;
  std::uint16_t vad_port = 8004;
  int max_upload_mb = 64;
  int max_audio_seconds = 10'799;
  int worker_threads = 16;
  int queue_limit = 64;
  int shutdown_grace_ms = 10'000;
};

/// Who may come in.
struct AccessConfig {
  bool local_needs_key = false;
  int key_requests_per_minute = 3'000;
  int address_requests_per_minute = 3'000;
  std::string allowed_origins;  ///< with commas
  std::string audit = "all";
  int audit_max_mb = 10;
};

struct TlsConfig {
  bool enabled = true;      ///< when there is a certificate
  std::string certificate;  ///< "": tls/cert.pem in Morgan's home, if it is there
  std::string key;          ///< "": tls/key.pem beside it
};

/// What Morgan shows and trusts when it calls another Morgan: from the command line, and from core to its neighbours.
struct ClientConfig {
  std::string api_key;
  std::string api_key_file;
  std::string ca_file;
};

/// Where an engine that is somebody else's server is; used when the role's backend is "openai".
struct UpstreamConfig {
  std::string base_url;
  std::string api_key;
  std::string api_key_file;
  std::string model;
};

struct LlmConfig {
  std::string backend = "llama";
  std::string model = "qwen2.5-coder-0.5b";
  int threads = 0;
  int context_tokens = 4096;
  int slots = 2;
  UpstreamConfig upstream;
};

struct SttConfig {
  std::string backend = "whisper";
  std::string model = "whisper-base";
  int threads = 0;
  UpstreamConfig upstream;
};

struct TtsConfig {
  std::string backend = "local";
  std::string voice = "joe";
  bool piper = true;
  bool kokoro = true;
  int threads = 0;
  UpstreamConfig upstream;
};

struct EmbedConfig {
  std::string backend = "llama";
  std::string model = "minilm";
  UpstreamConfig upstream;
};

struct DialogueConfig {
  std::string system_prompt =
      "You are Morgan, a friendly voice assistant. Your answers are spoken aloud: answer in one to three short, plain "
      "sentences, without lists, code or markdown. If you do not know something, say so.";
  int max_history_messages = 20;
  int max_tokens = 256;
  double temperature = 0.7;
};

struct LiveConfig {
  int min_wait_ms = 180;
  int max_wait_ms = 1400;
  int lead_ms = 120;
  int max_turn_seconds = 90;
  int filler_ms = 3000;
  int idle_prompt_seconds = 0;
  int max_sessions = 2000;
  int max_streams = 0;
  bool record_turns = false;
  bool webrtc = true;
  int webrtc_port = 0;
  std::string webrtc_address;
};

/// What Morgan can do beside talking; docs/tools.md.
struct ToolsConfig {
  bool enabled = true;
  bool ask_model = true;
  std::string rules;
  std::string time_zone;
  std::string weather_url;
  std::string geocoding_url;
  std::string weather_place;
  std::string search_url;
  std::string home_assistant_url;
  std::string home_assistant_token;
  std::string home_assistant_token_file;
};

/// The Wyoming protocol, beside core.
struct WyomingConfig {
  bool enabled = true;
  std::string host;  ///< "": server.host, when that is this machine or insecure; else this machine
  std::uint16_t port = 10300;
  int max_connections = 128;
  bool announce = true;
  bool wake_words = true;
  double wake_threshold = 0.5;
};

/// Who is told what happens.
struct WebhookConfig {
  std::string urls;
  std::string secret;
  std::string secret_file;
};

/// Used by `morgan serve core` alone: where the other services are.
struct CoreConfig {
  std::string llm_url = "http://127.0.0.1:8001/v1";
  std::string tts_url = "http://127.0.0.1:8002/v1";
  std::string stt_url = "http://127.0.0.1:8003/v1";
};

/// Where conversations are kept.
struct StoreConfig {
  std::string file;      ///< SQLite; "": $MORGAN_HOME/morgan.db
  std::string url;       ///< PostgreSQL instead
  std::string url_file;  ///< holds the url
  int connections = 10;
  int journal_mb = 256;
};

struct CacheConfig {
  std::string url;       ///< Redis or Valkey; "": this process
  std::string url_file;  ///< holds the url
  int memory_mb = 64;
  int speech_mb = 128;  ///< 0: speech is not kept
};

/// What the engines of this process compute on.
struct ComputeConfig {
  std::string device = "auto";
};

struct AppConfig {
  ServerConfig server;
  ComputeConfig compute;
  AccessConfig access;
  TlsConfig tls;
  ClientConfig client;
  CoreConfig core;
  LlmConfig llm;
  SttConfig stt;
  TtsConfig tts;
  EmbedConfig embed;
  DialogueConfig dialogue;
  LiveConfig live;
  WyomingConfig wyoming;
  WebhookConfig webhooks;
  std::vector<mcp::ServerConfig> mcp_servers;  ///< [mcp.servers.NAME]; only in the file
  ToolsConfig tools;
  StoreConfig store;
  CacheConfig cache;
  std::string hub_endpoint;  ///< "": the official hub
  std::string log_level = "info";
};

/// One key as `morgan config` and the documentation show it.
struct ConfigKey {
  std::string name;  ///< "tts.voice"
  std::string type;  ///< "text", "integer", "number", "true or false"
  std::string help;
  bool secret = false;
  std::function<Result<void>(AppConfig&, std::string_view)> set;  ///< from its text
  std::function<std::string(const AppConfig&)> show;
};

/// Every key, in the order of the documentation.
const std::vector<ConfigKey>& config_keys();
/// "MORGAN_TTS_VOICE" of "tts.voice".
std::string environment_name(std::string_view key);

/// A loaded configuration and where each value came from.
struct LoadedConfig {
  AppConfig config;
  std::filesystem::path file;  ///< that was read, or would be
  bool file_exists = false;
  std::map<std::string, std::string> origin;  ///< key to "default", "file" or the variable's name
};

/// @param file  --config; empty: $MORGAN_CONFIG, else $MORGAN_HOME/morgan.toml if it is there
/// @error kNotFound  a file that was asked for   @error kInvalidArgument  names file, line, key, nearest key
Result<LoadedConfig> load_config(const std::filesystem::path& file);

/// The file's text with every key, its default and help, commented out: `morgan config init`.
std::string config_template();

}  // namespace morgan::app
