#include "app/machine_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace morgan::app {

namespace {

constexpr std::chrono::seconds kPeriod{5};

double cpu_seconds() {
  constexpr double kMicro = 1e6;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMicro;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_bytes() {
  std::ifstream stream("/proc/self/statm");
  double all = 0;
  double resident = 0;
  stream >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double entries_of(const char* folder) {
  std::error_code status;
  return static_cast<double>(std::distance(std::filesystem::directory_iterator(folder, status), {}));
}

}  // namespace

MachineMetrics::MachineMetrics(Metrics& metrics, std::unique_ptr<GpuProbe> gpus)
    : metrics_(metrics), gpus_(std::move(gpus)), thread_([this] { run(); }) {}

MachineMetrics::~MachineMetrics() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void MachineMetrics::run() {
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    read_process();
    if (gpus_) read_gpus();
    lock.lock();
  } while (!changed_.wait_for(lock, kPeriod, [this] { return ending_; }));
}

void MachineMetrics::read_process() {
  const double now = cpu_seconds();
  metrics_.count("process_cpu_seconds_total", {}, now - cpu_seconds_);
  cpu_seconds_ = now;
  metrics_.set_gauge("process_resident_memory_bytes", {}, resident_bytes());
  metrics_.set_gauge("process_threads", {}, entries_of("/proc/self/task"));
  metrics_.set_gauge("process_open_fds", {}, entries_of("/proc/self/fd"));
}

void MachineMetrics::read_gpus() {
  int index = 0;
  for (const GpuReading& gpu : gpus_->read()) {
    const std::string number = std::to_string(index++);
    const auto tell = [&](const char* name, double value) {
      metrics_.set_gauge(name, {{"gpu", number}, {"name", gpu.name}}, value);
    };
    tell("morgan_gpu_memory_total_bytes", static_cast<double>(gpu.memory_total));
    tell("morgan_gpu_memory_used_bytes", static_cast<double>(gpu.memory_used));
    if (gpu.utilization) tell("morgan_gpu_utilization_ratio", *gpu.utilization);
    if (gpu.temperature_celsius) tell("morgan_gpu_temperature_celsius", *gpu.temperature_celsius);
    if (gpu.power_watts) tell("morgan_gpu_power_watts", *gpu.power_watts);
    if (gpu.processes) tell("morgan_gpu_processes", *gpu.processes);
  }
}

}  // namespace morgan::app
