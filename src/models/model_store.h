// Models on disk: $MORGAN_HOME/models/<id>/<file>, each file complete or absent.
#pragma once

#include "base/result.h"
#include "models/catalog.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace morgan::models {

enum class ModelState { kMissing, kIncomplete, kReady };

class ModelStore {
 public:
  ModelStore(std::filesystem::path home, const Catalog& catalog);

  const Catalog& catalog() const { return *catalog_; }
  std::filesystem::path home() const { return home_; }        ///< $MORGAN_HOME
  std::filesystem::path folder(const std::string& id) const;  ///< of one model
  /// By presence and size of each file; verify() reads them.
  ModelState state(const CatalogModel& model) const;

  /// Path of a model's file. @error kNotFound  "run: morgan models pull <id>"
  Result<std::filesystem::path> file(const std::string& id, const std::string& name) const;

  /// Hashes every file. @error kCorrupt  names the file
  Result<void> verify(const CatalogModel& model) const;
  Result<void> remove(const CatalogModel& model) const;

 private:
  std::filesystem::path home_;
  const Catalog* catalog_;  // not owned
};

}  // namespace morgan::models
