#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace morgan {

namespace {

const prometheus::Histogram::BucketBoundaries kSecondsBuckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3,
                                                              0.5,   0.75, 1,     2,    5,   10,   30,  60};

/// Help lines by name; a metric without one is a programmer's slip that a test catches.
const std::map<std::string, std::string>& help_texts() {
  static const std::map<std::string, std::string> kTexts{
      {"morgan_requests_total", "HTTP requests by service, endpoint and status"},
      {"morgan_request_duration_seconds", "Time from request to last byte of the response"},
      {"morgan_requests_active", "HTTP requests being handled now"},
      {"morgan_turn_stage_seconds", "Time from the start of a turn to the end of each stage"},
      {"morgan_turns_total", "Turns by outcome"},
      {"morgan_stt_audio_seconds_total", "Seconds of audio transcribed"},
      {"morgan_stt_seconds", "Time to transcribe one request"},
      {"morgan_tts_audio_seconds_total", "Seconds of speech synthesized, by voice family"},
      {"morgan_tts_first_audio_seconds", "Time to the first audio of a synthesis"},
      {"morgan_llm_first_token_seconds", "Time to the first token of an answer"},
      {"morgan_llm_tokens_total", "Tokens by kind: prompt, cached, completion"},
      {"morgan_gpu_memory_total_bytes", "Memory of a GPU"},
      {"morgan_gpu_memory_used_bytes", "Memory of a GPU that is taken, by whomever"},
      {"morgan_gpu_power_watts", "Power that a GPU draws"},
      {"morgan_gpu_processes", "Processes that compute on a GPU"},
      {"morgan_gpu_temperature_celsius", "Temperature of a GPU"},
      {"morgan_gpu_utilization_ratio", "Share of the last moment in which a GPU computed"},
      {"process_cpu_seconds_total", "CPU time of this process"},
      {"process_open_fds", "Open files and sockets of this process"},
      {"process_resident_memory_bytes", "Memory of this process that is in RAM"},
      {"process_threads", "Threads of this process"},
      {"morgan_uptime_seconds", "Seconds since the process was ready"},
  };
  return kTexts;
}

std::string help_of(const std::string& name) {
  const auto found = help_texts().find(name);
  return found == help_texts().end() ? name : found->second;
}

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  std::mutex mutex;  // guards the three maps; the metrics themselves are lock-free
  std::map<std::string, prometheus::Family<prometheus::Counter>*> counters;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*> gauges;
  std::map<std::string, prometheus::Family<prometheus::Histogram>*> histograms;

  template <typename Metric, typename Builder>
  prometheus::Family<Metric>& family(std::map<std::string, prometheus::Family<Metric>*>& families,
                                     const std::string& name, Builder builder) {
    const std::lock_guard lock(mutex);
    auto [at, added] = families.try_emplace(name, nullptr);
    if (added) at->second = &builder.Name(name).Help(help_of(name)).Register(registry);
    return *at->second;
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}

Metrics::~Metrics() = default;

void Metrics::count(const std::string& name, MetricLabels labels, double amount) {
  state_->family(state_->counters, name, prometheus::BuildCounter()).Add(labels).Increment(amount);
}

void Metrics::set_gauge(const std::string& name, MetricLabels labels, double value) {
  state_->family(state_->gauges, name, prometheus::BuildGauge()).Add(labels).Set(value);
}

void Metrics::observe_seconds(const std::string& name, MetricLabels labels, double seconds) {
  state_->family(state_->histograms, name, prometheus::BuildHistogram()).Add(labels, kSecondsBuckets).Observe(seconds);
}

std::string Metrics::scrape() const {
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace morgan
