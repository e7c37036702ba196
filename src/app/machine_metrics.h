// What Prometheus is told of this process and of the GPUs, read every few seconds on a thread of its own: a driver in
// trouble may keep a question waiting, and /metrics must not wait with it.
#pragma once

#include "app/gpu_probe.h"
#include "base/metrics.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace morgan::app {

class MachineMetrics {
 public:
  /// @param metrics  outlives this   @param gpus  nullptr: none are read
  MachineMetrics(Metrics& metrics, std::unique_ptr<GpuProbe> gpus);
  /// Waits for a reading that is going on.
  ~MachineMetrics();
  MachineMetrics(const MachineMetrics&) = delete;
  MachineMetrics& operator=(const MachineMetrics&) = delete;

 private:
  void run();
  void read_process();
  void read_gpus();

  Metrics& metrics_;
  const std::unique_ptr<GpuProbe> gpus_;
  double cpu_seconds_ = 0;  // told so far; the thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;  // guarded by mutex_
  std::thread thread_;   // last: it uses the others
};

}  // namespace morgan::app
