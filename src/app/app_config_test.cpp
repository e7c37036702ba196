#include "app/app_config.h"

#include "base/file.h"

#include <cstdlib>

namespace morgan::app {
namespace {

/// Sets a variable for the life of one test.
class ScopedVariable {
 public:
  ScopedVariable(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() { ::unsetenv(name_.c_str()); }

 private:
  std::string name_;
};

class AppConfigTest : public testing::Test {
 protected:
  AppConfigTest() { std::filesystem::create_directories(folder_); }
  ~AppConfigTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text) {
    const std::filesystem::path file = folder_ / "morgan.toml";
    EXPECT_TRUE(write_file_atomically(file, text).has_value());
    return file;
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("morgan-config-" + std::to_string(::getpid()));
};

TEST_F(AppConfigTest, FileOverridesDefaultAndEnvironmentOverridesFile) {
  const auto file = write("[tts]\nvoice = \"af_heart\"\nkokoro = false\n[server]\ncore_port = 9000\n");
  const ScopedVariable variable("MORGAN_SERVER_CORE_PORT", "9100");
  const Result<LoadedConfig> loaded = load_config(file);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.tts.voice, "af_heart");
  EXPECT_FALSE(loaded->config.tts.kokoro);
  EXPECT_EQ(loaded->config.server.core_port, 9100);
  EXPECT_EQ(loaded->config.server.llm_port, 8001);
  EXPECT_EQ(loaded->origin.at("tts.voice"), "file");
  EXPECT_EQ(loaded->origin.at("server.core_port"), "MORGAN_SERVER_CORE_PORT");
  EXPECT_EQ(loaded->origin.at("server.llm_port"), "default");
}

TEST_F(AppConfigTest, UnknownKeyNamesLineAndNearestKey) {
  const auto file = write("[tts]\n\nvoise = \"joe\"\n");
  const Result<LoadedConfig> loaded = load_config(file);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find(":3: unknown key 'tts.voise' (did you mean 'tts.voice'?)"), std::string::npos)
      << loaded.error().message;
}

TEST_F(AppConfigTest, MisspeltVariableIsAnError) {
  const ScopedVariable variable("MORGAN_TTS_VOISE", "joe");
  const Result<LoadedConfig> loaded = load_config(write(""));
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("MORGAN_TTS_VOICE"), std::string::npos) << loaded.error().message;
}

TEST_F(AppConfigTest, ValueOutsideItsRangeIsRefusedWithTheRange) {
  for (const char* text :
       {"[server]\ncore_port = 70000\n", "[server]\ncore_port = -1\n", "[dialogue]\ntemperature = 9\n",
        "[llm]\nbackend = \"gpt\"\n", "[tts]\npiper = \"maybe\"\n", "[server]\ncore_port = \"x\"\n"}) {
    const Result<LoadedConfig> loaded = load_config(write(text));
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(loaded.error().message.find("expected"), std::string::npos) << loaded.error().message;
  }
}

TEST_F(AppConfigTest, MalformedFileNamesTheLine) {
  const Result<LoadedConfig> loaded = load_config(write("[tts]\nvoice = \n"));
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("morgan.toml:2"), std::string::npos) << loaded.error().message;
}

TEST_F(AppConfigTest, MissingFileIsAnErrorOnlyWhenAskedFor) {
  EXPECT_FALSE(load_config(folder_ / "nowhere.toml"));
  const ScopedVariable home("MORGAN_HOME", folder_.string());
  const Result<LoadedConfig> loaded = load_config({});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->file_exists);
}

TEST_F(AppConfigTest, TemplateUncommentedIsTheDefaultConfiguration) {
  std::string text;
  for (std::size_t begin = 0; begin < config_template().size();) {
    const std::string all = config_template();
    const std::size_t end = all.find('\n', begin);
    std::string line = all.substr(begin, end - begin);
    // A line "# key = value" holds a setting; other comments hold none, or one inside a sentence.
    const bool setting =
        line.starts_with("# ") && line.find(" = ") != std::string::npos && line.find(' ', 2) == line.find(" = ");
    text += (setting ? line.substr(2) : line) + "\n";
    begin = end + 1;
  }
  const Result<LoadedConfig> loaded = load_config(write(text));
  ASSERT_TRUE(loaded) << loaded.error().message;
  const AppConfig defaults;
  for (const ConfigKey& key : config_keys()) {
    EXPECT_EQ(key.show(loaded->config), key.show(defaults)) << key.name;
    EXPECT_EQ(loaded->origin.at(key.name), "file") << key.name;
  }
}

TEST_F(AppConfigTest, KeyIsReadFromItsFileAndTrimmed) {
  ASSERT_TRUE(write_file_atomically(folder_ / "key", "  sk-secret\n"));
  const auto file = write("[llm]\nbackend = \"openai\"\napi_key_file = \"" + (folder_ / "key").string() + "\"\n");
  const Result<LoadedConfig> loaded = load_config(file);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.llm.upstream.api_key, "sk-secret");
}

}  // namespace
}  // namespace morgan::app
