#include "cli/doctor/rules.h"

#include "cli/doctor/profiles.h"

#include <gtest/gtest.h>

namespace morgan::cli {
namespace {

constexpr std::uint64_t kGigabyte = 1'000'000'000;

/// A machine on which everything fits the default GPU profile: an RTX 3060, a driver as new as the toolkit.
MachineFacts good_machine() {
  MachineFacts facts;
  facts.build.profile = "cuda-12.4";
  facts.build.cuda_architectures = {"70-real", "80-real", "86-real", "90-real", "90-virtual"};
  facts.driver.loaded = true;
  facts.driver.version = "550.54.15";
  facts.driver.api_version = 12040;
  facts.driver.runtime_version = 12040;
  facts.driver.gpus = {{"RTX 3060", 86, 12 * kGigabyte, 11 * kGigabyte}};
  return facts;
}

/// The worst of what is said about one subject.
Finding worst(const std::vector<Finding>& findings) {
  Finding found = findings.front();
  for (const Finding& finding : findings) {
    if (finding.verdict > found.verdict) found = finding;
  }
  return found;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(DoctorVersions, AreComparedNumberByNumber) {
  EXPECT_LT(compare_versions("525.60.13", "550.54.15"), 0);
  EXPECT_LT(compare_versions("525.9", "525.60.13"), 0);
  EXPECT_EQ(compare_versions("550.54.15", "550.54.15"), 0);
  EXPECT_EQ(compare_versions("550", "550.0.0"), 0);
  EXPECT_GT(compare_versions("570.124.06", "570.26"), 0);
}

TEST(DoctorKernels, MachineCodeRunsWithinItsGenerationFromItsMinorOn) {
  const std::vector<std::string> compiled{"80-real", "90-real"};
  EXPECT_EQ(match_kernels(80, compiled, false), KernelMatch::kMachineCode);
  EXPECT_EQ(match_kernels(86, compiled, false), KernelMatch::kMachineCode);
  EXPECT_EQ(match_kernels(89, compiled, false), KernelMatch::kMachineCode);
  EXPECT_EQ(match_kernels(75, compiled, true), KernelMatch::kNone);
  EXPECT_EQ(match_kernels(120, compiled, true), KernelMatch::kNone);
}

TEST(DoctorKernels, PtxRunsOnWhatIsNewerWhenTheDriverCompilesIt) {
  const std::vector<std::string> compiled{"80-real", "90-virtual"};
  EXPECT_EQ(match_kernels(120, compiled, true), KernelMatch::kPtx);
  EXPECT_EQ(match_kernels(120, compiled, false), KernelMatch::kPtxNeedsDriver);
  EXPECT_EQ(match_kernels(75, compiled, true), KernelMatch::kNone);
  EXPECT_EQ(match_kernels(90, std::vector<std::string>{"86"}, true), KernelMatch::kPtx);
}

TEST(DoctorGpu, IsContentWhenEverythingFits) {
  for (const Finding& finding : judge_gpu(good_machine()))
    EXPECT_EQ(finding.verdict, Verdict::kGood) << finding.what << ": " << finding.detail;
}

TEST(DoctorGpu, FindsADriverThatIsTooOld) {
  MachineFacts facts = good_machine();
  facts.driver.version = "470.199.02";
  facts.driver.api_version = 11040;
  const Finding finding = worst(judge_gpu(facts));
  EXPECT_EQ(finding.verdict, Verdict::kBad);
  EXPECT_TRUE(holds(finding.detail, "470.199.02 is too old: CUDA 12.4 needs 525.60.13")) << finding.detail;
  EXPECT_TRUE(holds(finding.cure, "nvidia-driver-550")) << finding.cure;
}

TEST(DoctorGpu, WarnsOfADriverBetweenTheMinimumAndTheToolkits) {
  MachineFacts facts = good_machine();
  facts.driver.version = "535.183.01";
  facts.driver.api_version = 12020;
  const std::vector<Finding> findings = judge_gpu(facts);
  EXPECT_EQ(worst(findings).verdict, Verdict::kWarning);
  EXPECT_EQ(worst(findings).what, "NVIDIA driver");
}

TEST(DoctorGpu, FindsThatNoKernelImageIsAvailableBeforeItHappens) {
  MachineFacts facts = good_machine();
  facts.build.cuda_architectures = {"80-real", "90-virtual"};
  facts.driver.gpus = {{"GTX 1080", 61, 8 * kGigabyte, 7 * kGigabyte}};
  const Finding old = worst(judge_gpu(facts));
  EXPECT_EQ(old.verdict, Verdict::kBad);
  EXPECT_TRUE(holds(old.detail, "no kernel image is available")) << old.detail;
  EXPECT_TRUE(holds(old.cure, "MORGAN_CUDA_ARCHITECTURES=61")) << old.cure;

  facts.driver.gpus = {{"RTX 5090", 120, 32 * kGigabyte, 31 * kGigabyte}};
  facts.driver.version = "535.183.01";
  const Finding newer = worst(judge_gpu(facts));
  EXPECT_EQ(newer.verdict, Verdict::kBad);
  EXPECT_TRUE(holds(newer.cure, "MORGAN_PROFILE=cuda-12.8")) << newer.cure;
}

TEST(DoctorGpu, WarnsThatTheDriverHasToCompileFirst) {
  MachineFacts facts = good_machine();
  facts.driver.gpus = {{"RTX 5090", 120, 32 * kGigabyte, 31 * kGigabyte}};
  const Finding finding = worst(judge_gpu(facts));
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_TRUE(holds(finding.detail, "compiles it at the first start")) << finding.detail;
}

TEST(DoctorGpu, FindsAVersionMismatchOfCuda) {
  MachineFacts facts = good_machine();
  facts.build.profile = "cuda-13.0";
  facts.driver.version = "580.95.05";
  facts.driver.runtime_version = 13000;
  facts.driver.api_version = 12040;
  const Finding finding = worst(judge_gpu(facts));
  EXPECT_EQ(finding.verdict, Verdict::kBad);
  EXPECT_TRUE(holds(finding.cure, "version mismatch")) << finding.cure;
}

TEST(DoctorGpu, FindsARuntimeThatDoesNotLoad) {
  MachineFacts facts = good_machine();
  facts.driver.runtime_version = 0;
  EXPECT_EQ(worst(judge_gpu(facts)).verdict, Verdict::kBad);
  EXPECT_EQ(worst(judge_gpu(facts)).what, "CUDA");
}

TEST(DoctorGpu, SaysThatTheMachineHasToRestartAfterADriverUpdate) {
  MachineFacts facts = good_machine();
  facts.driver.library_error = "Driver/library version mismatch";
  const Finding finding = worst(judge_gpu(facts));
  EXPECT_EQ(finding.verdict, Verdict::kBad);
  EXPECT_TRUE(holds(finding.cure, "restart the machine")) << finding.cure;
}

TEST(DoctorGpu, WarnsOfLittleMemory) {
  MachineFacts facts = good_machine();
  facts.driver.gpus.front().memory_free = kGigabyte / 2;
  EXPECT_EQ(worst(judge_gpu(facts)).verdict, Verdict::kWarning);
}

TEST(DoctorGpu, NamesTheProfileThatWouldUseIt) {
  MachineFacts facts = good_machine();
  facts.build = {};
  Finding finding = worst(judge_gpu(facts));
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_TRUE(holds(finding.cure, "MORGAN_PROFILE=cuda-12.4 make run")) << finding.cure;
  facts.driver.gpus.front().capability = 120;
  finding = worst(judge_gpu(facts));
  EXPECT_TRUE(holds(finding.cure, "MORGAN_PROFILE=cuda-12.8 make run")) << finding.cure;
}

TEST(DoctorGpu, SaysWhatAMissingDriverMeans) {
  MachineFacts facts;
  EXPECT_EQ(worst(judge_gpu(facts)).verdict, Verdict::kGood);
  facts.build.profile = "cuda-12.4";
  EXPECT_EQ(worst(judge_gpu(facts)).verdict, Verdict::kWarning);
  facts.gpu_promised = true;
  EXPECT_TRUE(holds(worst(judge_gpu(facts)).cure, "--gpus all"));
}

TEST(DoctorProcessor, FindsInstructionsThatTheProgramHasAndTheProcessorHasNot) {
  BuildFacts build;
  build.cpu_flags = {"avx2", "avx512f", "avx512_vnni"};
  const Finding finding = judge_processor({4, {"sse4_2", "avx", "avx2"}}, build);
  EXPECT_EQ(finding.verdict, Verdict::kBad);
  EXPECT_TRUE(holds(finding.detail, "avx512f, avx512_vnni")) << finding.detail;
  EXPECT_TRUE(holds(finding.cure, "MORGAN_CPU=x86-64-v3")) << finding.cure;
  EXPECT_EQ(judge_processor({4, {"avx2", "avx512f", "avx512_vnni"}}, build).verdict, Verdict::kGood);
  EXPECT_EQ(judge_processor({4, {"sse4_2"}}, {}).verdict, Verdict::kWarning);
}

TEST(DoctorMemory, FindsAContainerThatWouldBeKilled) {
  EXPECT_EQ(judge_memory({16 * kGigabyte, 0}).verdict, Verdict::kGood);
  EXPECT_EQ(judge_memory({16 * kGigabyte, kGigabyte}).verdict, Verdict::kBad);
  EXPECT_EQ(judge_memory({2 * kGigabyte, 0}).verdict, Verdict::kWarning);
}

TEST(DoctorOnnxRuntime, WantsTheProfilesLibraryWithItsProvider) {
  BuildFacts build;
  EXPECT_EQ(judge_onnxruntime({"", "not found", {}}, build).verdict, Verdict::kBad);
  EXPECT_EQ(judge_onnxruntime({"1.32.0", "", {"CPUExecutionProvider"}}, build).verdict, Verdict::kGood);
  build.profile = "cuda-12.4";
  const std::string right(kCudaProfiles.front().onnxruntime_gpu);
  EXPECT_EQ(judge_onnxruntime({right, "", {"CPUExecutionProvider"}}, build).verdict, Verdict::kWarning);
  EXPECT_EQ(judge_onnxruntime({"1.27.0", "", {"CUDAExecutionProvider"}}, build).verdict, Verdict::kWarning);
  EXPECT_EQ(judge_onnxruntime({right, "", {"CUDAExecutionProvider"}}, build).verdict, Verdict::kGood);
}

}  // namespace
}  // namespace morgan::cli
