#include "app/gpu_probe.h"

#include "app/machine_metrics.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace morgan::app {
namespace {

TEST(GpuProbe, SaysThatThereIsNoDriver) {
  const auto probe = GpuProbe::open("libmorgan-no-such-driver.so.1");
  ASSERT_FALSE(probe);
  EXPECT_EQ(probe.error().code, ErrorCode::kNotFound);
}

TEST(GpuProbe, GivesTheLibrarysOwnReasonWhenItDoesNotStart) {
  ::setenv("MORGAN_TEST_NVML", "mismatch", 1);
  const auto probe = GpuProbe::open(MORGAN_TEST_NVML_LIBRARY);
  ::unsetenv("MORGAN_TEST_NVML");
  ASSERT_FALSE(probe);
  EXPECT_EQ(probe.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(probe.error().message, "Driver/library version mismatch");
}

TEST(GpuProbe, ReadsWhatEachGpuCanTell) {
  const auto probe = GpuProbe::open(MORGAN_TEST_NVML_LIBRARY);
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_EQ((*probe)->driver_version(), "550.54.15");
  const std::vector<GpuReading> gpus = (*probe)->read();
  ASSERT_EQ(gpus.size(), 2U);
  EXPECT_EQ(gpus[0].name, "RTX 3060");
  EXPECT_EQ(gpus[0].capability, 86);
  EXPECT_EQ(gpus[0].memory_total, 12'000'000'000U);
  EXPECT_EQ(gpus[0].memory_used, 1'000'000'000U);
  EXPECT_DOUBLE_EQ(gpus[0].utilization.value_or(-1), 0.37);
  EXPECT_DOUBLE_EQ(gpus[0].temperature_celsius.value_or(-1), 61);
  EXPECT_DOUBLE_EQ(gpus[0].power_watts.value_or(-1), 125.5);
  EXPECT_EQ(gpus[0].processes.value_or(99), 3U);
  EXPECT_EQ(gpus[1].capability, 70);
  EXPECT_FALSE(gpus[1].temperature_celsius);
  EXPECT_FALSE(gpus[1].power_watts);
  EXPECT_EQ(gpus[1].processes.value_or(99), 0U);
}

TEST(MachineMetrics, TellOfTheProcessAndOfEachGpu) {
  Metrics metrics;
  auto probe = GpuProbe::open(MORGAN_TEST_NVML_LIBRARY);
  ASSERT_TRUE(probe);
  {
    const MachineMetrics reading(metrics, std::move(*probe));
  }  // it ends after its first reading, not before
  const std::string text = metrics.scrape();
  for (const char* line : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
                           "morgan_gpu_utilization_ratio{gpu=\"0\",name=\"RTX 3060\"} 0.37",
                           "morgan_gpu_memory_used_bytes{gpu=\"1\",name=\"Tesla V100\"} 1000000000",
                           "morgan_gpu_power_watts{gpu=\"0\",name=\"RTX 3060\"} 125.5"})
    EXPECT_NE(text.find(line), std::string::npos) << line << " is not in:\n" << text;
  EXPECT_EQ(text.find("morgan_gpu_power_watts{gpu=\"1\""), std::string::npos);
}

}  // namespace
}  // namespace morgan::app
