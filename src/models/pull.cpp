#include "models/pull.h"

#include "base/file.h"
#include "base/log.h"
#include "models/file_fetcher.h"
#include "models/import/import.h"
#include "models/part_file.h"
#include "models/pull_lock.h"
#include "models/sha256.h"

namespace morgan::models {

namespace {

namespace fs = std::filesystem;

/// One run of pull(), under the model's lock.
class Puller {
 public:
  Puller(const ModelStore& store, const CatalogModel& model, const PullOptions& options, const StopToken& stop)
      : store_(store),
        model_(model),
        options_(options),
        stop_(stop),
        work_(store.home() / "cache" / "downloads" / model.id),
        missing_(find_missing()),
        fetcher_(model, work_, files_to_fetch(), bytes_to_make(), options, stop) {}

  Result<void> run() {
    clean_stale();
    MORGAN_CHECK_OK(fetcher_.check_space());
    for (const CatalogFile* file : missing_) {
      if (file->convert.empty()) {
        MORGAN_TRY(const fs::path path, fetcher_.fetch(*file));
        MORGAN_CHECK_OK(place(path, *file));
      } else {
        MORGAN_CHECK_OK(make(*file));
      }
    }
    std::error_code status;
    fs::remove_all(work_, status);
    return {};
  }

 private:
  std::vector<const CatalogFile*> find_missing() const {
    std::vector<const CatalogFile*> missing;
    for (const CatalogFile& file : model_.files) {
      std::error_code status;
      const bool there = fs::file_size(store_.folder(model_.id) / file.name, status) == file.size && !status;
      if (!there || options_.force) missing.push_back(&file);
    }
    return missing;
  }

  std::vector<const CatalogFile*> files_to_fetch() const {
    std::vector<const CatalogFile*> files;
    for (const CatalogFile* file : missing_) {
      if (file->convert.empty()) files.push_back(file);
      for (const CatalogFile& input : file->inputs)
        files.push_back(&input);
    }
    return files;
  }

  std::uint64_t bytes_to_make() const {
    std::uint64_t sum = 0;
    for (const CatalogFile* file : missing_)
      sum += file->convert.empty() ? 0 : file->size;
    return sum;
  }

  /// What a killed pull left half done. Complete downloads stay: they are what a resumed pull saves.
  void clean_stale() const {
    std::error_code status;
    fs::remove_all(work_ / "archive.tmp", status);
    fs::remove_all(work_ / "converted", status);
    for (fs::recursive_directory_iterator entry(store_.folder(model_.id), status), end; !status && entry != end;
         entry.increment(status)) {
      std::error_code ignored;
      if (entry->path().extension() == ".part") fs::remove(entry->path(), ignored);
    }
  }

  /// Makes a file from its inputs.
  Result<void> make(const CatalogFile& file) {
    const fs::path inputs = work_ / "inputs" / file.name;
    for (const CatalogFile& input : file.inputs) {
      MORGAN_TRY(const fs::path path, fetcher_.fetch(input));
      MORGAN_CHECK_OK(link_into(path, inputs / input.name));
    }
    if (stop_.stop_requested()) return fail(stop_.error());
    const fs::path made = work_ / "converted" / file.name;
    const ImportProgress progress = [&](double fraction) {
      report("converting", static_cast<std::uint64_t>(fraction * static_cast<double>(file.size)), file.size);
    };
    MORGAN_CHECK_OK(file.convert == "minilm-gguf" ? import_minilm(inputs, made, progress)
                                                  : import_faster_whisper(inputs, made, true, progress));
    MORGAN_TRY(const std::string hash,
               sha256_of_file(made, stop_, [&](std::uint64_t done) { report("verifying", done, file.size); }));
    if (hash != file.sha256) {
      return fail(ErrorCode::kCorrupt,
                  "the conversion to " + file.name + " gave the sha256 " + hash + ", expected " + file.sha256);
    }
    return place(made, file);
  }

  /// The importers want their files together in one folder.
  static Result<void> link_into(const fs::path& from, const fs::path& to) {
    std::error_code status;
    fs::create_directories(to.parent_path(), status);
    fs::remove(to, status);
    fs::create_hard_link(from, to, status);
    if (status) fs::copy_file(from, to, status);  // a file system without links
    if (status) return fail(ErrorCode::kUnavailable, "cannot make " + to.string() + ": " + status.message());
    return {};
  }

  /// Moves a checked file to where the engines look for it.
  Result<void> place(const fs::path& from, const CatalogFile& file) const {
    const fs::path to = store_.folder(model_.id) / file.name;
    std::error_code status;
    fs::create_directories(to.parent_path(), status);
    fs::rename(from, to, status);
    if (status == std::errc::cross_device_link) {
      const fs::path part = to.string() + ".part";
      fs::copy_file(from, part, fs::copy_options::overwrite_existing, status);
      if (!status) {
        MORGAN_CHECK_OK(sync_path(part));
        fs::rename(part, to, status);
      }
    }
    if (status) return fail(ErrorCode::kUnavailable, "cannot make " + to.string() + ": " + status.message());
    return sync_path(to.parent_path());
  }

  void report(const std::string& step, std::uint64_t done, std::uint64_t total) const {
    if (options_.on_progress) options_.on_progress({model_.id, step, done, total});
  }

  const ModelStore& store_;
  const CatalogModel& model_;
  const PullOptions& options_;
  const StopToken& stop_;
  fs::path work_;
  std::vector<const CatalogFile*> missing_;
  FileFetcher fetcher_;
};

}  // namespace

Result<void> pull(const ModelStore& store, const CatalogModel& model, const PullOptions& options,
                  const StopToken& stop) {
  if (!options.force && store.state(model) == ModelState::kReady) return {};
  bool waited = false;
  const auto on_wait = [&] {
    waited = true;
    if (options.on_progress) options.on_progress({model.id, "waiting for another pull", 0, 0});
  };
  MORGAN_TRY(const PullLock lock,
             PullLock::acquire(store.home() / "cache" / "locks" / (model.id + ".lock"), on_wait, stop));
  // The other one has done the work, also the forced one: what it brought is new.
  if ((!options.force || waited) && store.state(model) == ModelState::kReady) return {};
  if (stop.stop_requested()) return fail(stop.error());
  MORGAN_CHECK_OK(Puller(store, model, options, stop).run());
  log::info("models", "model pulled", {{"id", model.id}, {"bytes", std::to_string(model.size())}});
  return {};
}

}  // namespace morgan::models
