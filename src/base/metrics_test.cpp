#include "base/metrics.h"

namespace morgan {
namespace {

TEST(Metrics, ScrapeShowsCountsGaugesAndHistogramsWithLabels) {
  Metrics metrics;
  metrics.count("morgan_requests_total", {{"service", "stt"}});
  metrics.count("morgan_requests_total", {{"service", "stt"}}, 2);
  metrics.set_gauge("morgan_requests_active", {{"service", "stt"}}, 4);
  metrics.observe_seconds("morgan_request_duration_seconds", {{"service", "stt"}}, 0.02);
  const std::string text = metrics.scrape();
  EXPECT_NE(text.find("# HELP morgan_requests_total HTTP requests by service"), std::string::npos) << text;
  EXPECT_NE(text.find("morgan_requests_total{service=\"stt\"} 3"), std::string::npos) << text;
  EXPECT_NE(text.find("morgan_requests_active{service=\"stt\"} 4"), std::string::npos) << text;
  EXPECT_NE(text.find("le=\"0.025\"} 1"), std::string::npos) << text;
  EXPECT_NE(text.find("le=\"0.01\"} 0"), std::string::npos) << text;
}

}  // namespace
}  // namespace morgan
