// Prometheus metrics of one process, over prometheus-cpp's registry. Names are full ("morgan_..."); the
// set of label values must stay small: never a user, a text or an id.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

namespace morgan {

using MetricLabels = std::initializer_list<std::pair<const std::string, std::string>>;

/// @thread any
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// Counts events; `name` ends in _total.
  void count(const std::string& name, MetricLabels labels, double amount = 1);
  void set_gauge(const std::string& name, MetricLabels labels, double value);
  /// Adds one observation, in seconds, to a histogram with buckets from 5 ms to 60 s.
  void observe_seconds(const std::string& name, MetricLabels labels, double seconds);

  /// The text exposition format, version 0.0.4.
  std::string scrape() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace morgan
