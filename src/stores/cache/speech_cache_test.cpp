#include "stores/cache/speech_cache.h"

#include "base/file.h"
#include "stores/cache/memory_cache.h"
#include "test_support/temporary_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace morgan::stores {
namespace {

namespace fs = std::filesystem;

/// Keys have 64 hexadecimal digits.
std::string key(char digit) {
  std::string text(64, digit);
  return text;
}

class SpeechCacheTest : public ::testing::Test {
 protected:
  std::unique_ptr<SpeechCache> open(std::uint64_t most = 1'000'000, Cache* shared = nullptr) {
    auto cache = SpeechCache::open(folder_ / "speech", most, shared, metrics_);
    EXPECT_TRUE(cache) << cache.error().message;
    return cache ? std::move(cache).value() : nullptr;
  }
  /// As if it had been used then.
  void set_time(char digit, long seconds) { set_time(key(digit), seconds); }
  void set_time(const std::string& name, long seconds) {
    const struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / "speech" / name).c_str(), times, 0), 0);
  }

  test_support::TemporaryFolder folder_;
  Metrics metrics_;
};

TEST_F(SpeechCacheTest, SpeechIsFoundAgainAfterARestart) {
  const std::string audio("RIFF\0\xff", 6);
  open()->put(key('a'), audio);
  const auto cache = open();
  EXPECT_EQ(cache->get(key('a')), audio);
  EXPECT_EQ(cache->get(key('b')), std::nullopt);
  EXPECT_EQ(cache->bytes(), audio.size() + 4);
  EXPECT_NE(metrics_.scrape().find("morgan_speech_cache_total{result=\"hit\"} 1"), std::string::npos);
}

TEST_F(SpeechCacheTest, TheLeastRecentlyUsedGoesFirstAlsoAfterARestart) {
  {
    const auto cache = open(1200);
    for (const char digit : {'a', 'b', 'c'})
      cache->put(key(digit), std::string(300, digit));
  }
  set_time('a', 1000);
  set_time('b', 2000);
  set_time('c', 3000);
  {
    const auto cache = open(1200);
    EXPECT_TRUE(cache->get(key('a')));
    cache->put(key('d'), std::string(300, 'd'));
    EXPECT_FALSE(cache->get(key('b')));
    EXPECT_TRUE(cache->get(key('c')));
  }
  EXPECT_FALSE(fs::exists(folder_ / "speech" / key('b')));
  // Fewer bytes than before: what is too much goes at the start.
  const auto smaller = open(700);
  EXPECT_LE(smaller->bytes(), 700U);
}

TEST_F(SpeechCacheTest, ADamagedFileIsAMissAndGoes) {
  open()->put(key('a'), std::string(300, 'a'));
  const fs::path file = folder_ / "speech" / key('a');
  std::string content = *read_file(file, 1000);
  content[100] = 'X';
  ASSERT_TRUE(write_file_atomically(file, content));
  EXPECT_EQ(open()->get(key('a')), std::nullopt);
  EXPECT_FALSE(fs::exists(file));
  ASSERT_TRUE(write_file_atomically(file, content.substr(0, 2)));
  EXPECT_EQ(open()->get(key('a')), std::nullopt);
}

TEST_F(SpeechCacheTest, AFileThatWasRemovedIsAMiss) {
  const auto cache = open();
  cache->put(key('a'), "audio");
  fs::remove(folder_ / "speech" / key('a'));
  EXPECT_EQ(cache->get(key('a')), std::nullopt);
  EXPECT_EQ(cache->bytes(), 0U);
}

TEST_F(SpeechCacheTest, WhatIsTooLargeIsNotKept) {
  const auto cache = open(100);
  cache->put(key('a'), std::string(200, 'a'));
  EXPECT_EQ(cache->bytes(), 0U);
  EXPECT_FALSE(cache->get(key('a')));
}

TEST_F(SpeechCacheTest, OnlyTheOwnerMayListenAndHalfWrittenFilesGo) {
  {
    const auto cache = open();
    cache->put(key('a'), "audio");
  }
  struct stat status{};
  ASSERT_EQ(::stat((folder_ / "speech").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  const std::string name = key('b') + ".new-abc";
  const fs::path half = folder_ / "speech" / name;
  ASSERT_TRUE(write_file_atomically(half, "half"));
  open();
  EXPECT_TRUE(fs::exists(half)) << "another process may be writing it";
  set_time(name, 1000);
  open();
  EXPECT_FALSE(fs::exists(half));
}

TEST_F(SpeechCacheTest, WhatAnotherMorganMadeIsFoundInTheSharedCache) {
  MemoryCache shared(1'000'000);
  open(1'000'000, &shared)->put(key('a'), "audio");
  fs::remove_all(folder_ / "speech");
  EXPECT_EQ(open(1'000'000, &shared)->get(key('a')), "audio");
  EXPECT_EQ(open()->get(key('a')), "audio") << "now it is here, too";
}

TEST_F(SpeechCacheTest, ThreadsShareIt) {
  const auto cache = open(3000);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const char digit = "abcdef01"[t];
      for (int i = 0; i < 100; ++i) {
        cache->put(key(digit), std::string(500, digit));
        const auto audio = cache->get(key(digit));
        if (audio && *audio != std::string(500, digit)) ++wrong;
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(cache->bytes(), 3000U);
}

}  // namespace
}  // namespace morgan::stores
