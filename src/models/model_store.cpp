#include "models/model_store.h"

#include "models/sha256.h"

namespace morgan::models {

namespace fs = std::filesystem;

ModelStore::ModelStore(fs::path home, const Catalog& catalog) : home_(std::move(home)), catalog_(&catalog) {}

fs::path ModelStore::folder(const std::string& id) const {
  return home_ / "models" / id;
}

ModelState ModelStore::state(const CatalogModel& model) const {
  std::size_t present = 0;
  for (const CatalogFile& file : model.files) {
    std::error_code status;
    if (fs::file_size(folder(model.id) / file.name, status) == file.size && !status) ++present;
  }
  if (present == model.files.size()) return ModelState::kReady;
  std::error_code status;
  const bool nothing = !fs::exists(folder(model.id), status) || fs::is_empty(folder(model.id), status);
  return present == 0 && nothing ? ModelState::kMissing : ModelState::kIncomplete;
}

Result<fs::path> ModelStore::file(const std::string& id, const std::string& name) const {
  MORGAN_TRY(const CatalogModel* model, catalog_->find(id));
  for (const CatalogFile& file : model->files) {
    if (file.name != name) continue;
    fs::path path = folder(id) / name;
    std::error_code status;
    if (fs::is_regular_file(path, status)) return path;
    return fail(ErrorCode::kNotFound,
                "the model " + id + " is not there (" + path.string() + "); run: morgan models pull " + id);
  }
  return fail(ErrorCode::kNotFound, "the model " + id + " has no file '" + name + "'");
}

Result<void> ModelStore::verify(const CatalogModel& model) const {
  for (const CatalogFile& file : model.files) {
    const fs::path path = folder(model.id) / file.name;
    Result<std::string> hash = sha256_of_file(path, StopToken());
    if (!hash && hash.error().code == ErrorCode::kNotFound) {
      return fail(ErrorCode::kNotFound, path.string() + " is missing; run: morgan models pull " + model.id);
    }
    if (!hash) return fail(std::move(hash).error());
    if (*hash != file.sha256) {
      return fail(ErrorCode::kCorrupt, path.string() + " is damaged (its sha256 is " + *hash +
                                           "); run: morgan models rm " + model.id + ", then morgan models pull " +
                                           model.id);
    }
  }
  return {};
}

Result<void> ModelStore::remove(const CatalogModel& model) const {
  for (const fs::path& path : {folder(model.id), home_ / "cache" / "downloads" / model.id}) {
    std::error_code status;
    fs::remove_all(path, status);
    if (status) return fail(ErrorCode::kUnavailable, "cannot remove " + path.string() + ": " + status.message());
  }
  return {};
}

}  // namespace morgan::models
