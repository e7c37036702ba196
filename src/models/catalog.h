// models/catalog.toml, compiled into the binary: every model Morgan knows, where it can be had, what
// its files are and under which licence. A second file ($MORGAN_HOME/catalog.toml) may add models.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace morgan::models {

/// One place to get something: a hub, a registry's package, or a mirror. `kind` is "hub", "pypi", "npm", "url", or
/// "joined" for a file that several packages hold a part of.
struct CatalogSource {
  std::string kind;
  std::string name;                  ///< hub: owner/repository; registry: package; url: address
  std::string version;               ///< hub: revision; registry: exact version
  std::vector<std::string> members;  ///< files inside; several are joined in this order
  std::string archive_sha256;        ///< of the package file, for registries
  std::uint64_t archive_size = 0;    ///< of the package file, for registries
  std::vector<CatalogSource> parts;  ///< for "joined": packages, whose members make the file in this order
};

/// One file of the finished model. With `convert` empty it is fetched; else it is made from other files.
struct CatalogFile {
  std::string name;  ///< relative; may have one folder: "voices/af_heart.bin"
  std::uint64_t size = 0;
  std::string sha256;                  ///< of the finished file
  std::vector<CatalogSource> sources;  ///< tried in order
  std::string convert;                 ///< "", "whisper-ggml-q8_0", "minilm-gguf"
  std::vector<CatalogFile> inputs;     ///< what the conversion needs; not kept
};

struct CatalogModel {
  std::string id;    ///< "whisper-base"
  std::string role;  ///< "stt", "llm", "tts", "vad", "turn", "wake", "embed"
  std::string title;
  std::string license;
  std::string license_url;
  bool is_default = false;  ///< pulled by `morgan models pull` without names
  std::vector<CatalogFile> files;
  std::uint64_t size() const;
};

class Catalog {
 public:
  /// @error kInvalidArgument  malformed; unknown key; unsafe file name; says where
  static Result<Catalog> parse(std::string_view toml);
  /// The one compiled in.
  static const Catalog& built_in();
  /// The one compiled in, with the models of `file` added or, where an id is the same, put in their place.
  /// @error kInvalidArgument  `file` is there, but malformed
  static Result<Catalog> with_user_file(const std::filesystem::path& file);

  const std::vector<CatalogModel>& models() const { return models_; }
  /// @error kNotFound  names the nearest
  Result<const CatalogModel*> find(std::string_view id) const;

 private:
  std::vector<CatalogModel> models_;
};

}  // namespace morgan::models
