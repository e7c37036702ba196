#include "models/download.h"

#include "base/strings.h"
#include "models/part_file.h"
#include "net/http_client.h"

namespace morgan::models {

namespace {

constexpr std::string_view kOfficialHub = "https://huggingface.co";
constexpr int kAttemptsWithoutProgress = 3;
constexpr int kPartial = 206;
constexpr int kRangeNotSatisfiable = 416;
constexpr std::uint64_t kMaxErrorBody = 1'000'000;

enum class Attempt { kDone, kCutOff, kStartOver };

/// What one request brought; `problem` says why it was not all.
struct Outcome {
  Attempt attempt = Attempt::kDone;
  Error problem;
};

Result<Outcome> request_rest(const DownloadRequest& request, PartFile& part, const ByteProgress& progress,
                             const StopToken& stop) {
  const std::uint64_t start = part.size();
  Result<void> written;
  bool too_long = false;
  net::ClientRequest http;
  http.url = request.url;
  http.max_body = kMaxErrorBody;
  if (start > 0) http.headers.emplace("Range", "bytes=" + std::to_string(start) + "-");
  http.on_body = [&](std::string_view bytes) {
    too_long = part.size() + bytes.size() > request.size;
    if (too_long) return false;
    written = part.write(bytes);
    if (written && progress) progress(part.size());
    return written.has_value();
  };
  Result<net::ClientResponse> response = net::http_request(http, stop);
  if (!written) return fail(std::move(written).error());
  if (stop.stop_requested()) return fail(stop.error());
  if (too_long) {
    if (start > 0) return Outcome{Attempt::kStartOver, {}};
    return fail(ErrorCode::kCorrupt, request.url + " is larger than " + std::to_string(request.size) + " bytes");
  }
  if (!response) {
    const bool may_retry =
        response.error().code == ErrorCode::kUnavailable || response.error().code == ErrorCode::kDeadlineExceeded;
    if (!may_retry) return fail(std::move(response).error());
    return Outcome{Attempt::kCutOff, std::move(response).error()};
  }
  if (start > 0 && (response->status == kRangeNotSatisfiable || response->status == 200)) {
    return Outcome{Attempt::kStartOver, {}};  // the whole file was sent, or ours has another length
  }
  if (response->status != 200 && response->status != kPartial) {
    return fail(ErrorCode::kNotFound, request.url + " answered with HTTP " + std::to_string(response->status));
  }
  if (part.size() < request.size) {
    return Outcome{Attempt::kCutOff,
                   {ErrorCode::kCorrupt, request.url + " has " + std::to_string(part.size()) + " bytes, expected " +
                                             std::to_string(request.size)}};
  }
  return Outcome{};
}

/// Requests until the part is complete. True when some of it is from an earlier time.
Result<bool> fill(const DownloadRequest& request, PartFile& part, const ByteProgress& progress, const StopToken& stop) {
  bool resumed = part.size() > 0;
  int attempts = 0;
  while (part.size() != request.size) {
    const std::uint64_t before = part.size();
    MORGAN_TRY(const Outcome outcome, request_rest(request, part, progress, stop));
    if (outcome.attempt == Attempt::kStartOver) {
      MORGAN_CHECK_OK(part.truncate());
      resumed = false;
    }
    if (outcome.attempt != Attempt::kCutOff) continue;
    attempts = part.size() > before ? 0 : attempts + 1;
    if (part.size() == 0 || attempts >= kAttemptsWithoutProgress) return fail(outcome.problem);
    resumed = true;
  }
  return resumed;
}

}  // namespace

Result<void> download_file(const DownloadRequest& request, const ByteProgress& progress, const StopToken& stop) {
  for (;;) {
    bool resumed = false;
    {
      MORGAN_TRY(PartFile part, PartFile::resume(request.target));
      part.keep();
      if (part.size() > request.size) MORGAN_CHECK_OK(part.truncate());
      MORGAN_TRY(resumed, fill(request, part, progress, stop));
      MORGAN_CHECK_OK(part.commit());
    }
    MORGAN_TRY(const std::string hash, sha256_of_file(request.target, stop));
    if (hash == request.sha256) return {};
    std::error_code status;
    std::filesystem::remove(request.target, status);
    // The old part may have been of another edition of the file: one more try from the start.
    if (!resumed) {
      return fail(ErrorCode::kCorrupt, request.url + " has the sha256 " + hash + ", expected " + request.sha256);
    }
  }
}

std::string hub_url(const std::string& endpoint, const std::string& repository, const std::string& revision,
                    const std::string& member) {
  std::string url = endpoint.empty() ? std::string(kOfficialHub) : endpoint;
  while (url.ends_with('/'))
    url.pop_back();
  return url + "/" + repository + "/resolve/" + revision + "/" + member;
}

}  // namespace morgan::models
