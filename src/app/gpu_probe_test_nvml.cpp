// A library with NVML's calls, for gpu_probe_test: machines that build Morgan have no driver. Two GPUs; the second has
// neither a power sensor nor anything to say of its temperature. MORGAN_TEST_NVML=mismatch: it does not start.
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

// Declared as nvml.h has them, without that header.
int nvmlInit_v2();
int nvmlShutdown();
const char* nvmlErrorString(int code);
int nvmlSystemGetDriverVersion(char* text, unsigned length);
int nvmlDeviceGetCount_v2(unsigned* count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device);
int nvmlDeviceGetName(void* device, char* text, unsigned length);
int nvmlDeviceGetCudaComputeCapability(void* device, int* major, int* minor);
int nvmlDeviceGetMemoryInfo(void* device, unsigned long long* total_free_used);
int nvmlDeviceGetUtilizationRates(void* device, unsigned* gpu_memory);
int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* celsius);
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts);
int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, void* infos);

static char first;
static char second;
static const int kMismatch = 18;
static const int kInsufficientSize = 7;
static const int kNotSupported = 3;

int nvmlInit_v2() {
  const char* wanted = std::getenv("MORGAN_TEST_NVML");
  return wanted != nullptr && std::strcmp(wanted, "mismatch") == 0 ? kMismatch : 0;
}
int nvmlShutdown() {
  return 0;
}
const char* nvmlErrorString(int code) {
  return code == kMismatch ? "Driver/library version mismatch" : "?";
}
int nvmlSystemGetDriverVersion(char* text, unsigned length) {
  std::snprintf(text, length, "550.54.15");
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = index == 0 ? &first : &second;
  return 0;
}
int nvmlDeviceGetName(void* device, char* text, unsigned length) {
  std::snprintf(text, length, device == &first ? "RTX 3060" : "Tesla V100");
  return 0;
}
int nvmlDeviceGetCudaComputeCapability(void* device, int* major, int* minor) {
  *major = device == &first ? 8 : 7;
  *minor = device == &first ? 6 : 0;
  return 0;
}
int nvmlDeviceGetMemoryInfo(void*, unsigned long long* total_free_used) {
  total_free_used[0] = 12'000'000'000;
  total_free_used[1] = 11'000'000'000;
  total_free_used[2] = 1'000'000'000;
  return 0;
}
int nvmlDeviceGetUtilizationRates(void*, unsigned* gpu_memory) {
  gpu_memory[0] = 37;
  gpu_memory[1] = 12;
  return 0;
}
int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* celsius) {
  if (device == &second || sensor != 0) return kNotSupported;
  *celsius = 61;
  return 0;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  if (device == &second) return kNotSupported;
  *milliwatts = 125'500;
  return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, void* infos) {
  *count = device == &first ? 3 : 0;
  return *count > 0 && infos == nullptr ? kInsufficientSize : 0;
}
}
