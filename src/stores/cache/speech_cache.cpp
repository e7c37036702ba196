#include "stores/cache/speech_cache.h"

#include "base/crc32.h"
#include "base/file.h"
#include "base/ids.h"
#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <utility>

namespace morgan::stores {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kSharedFor{24 * 3600};
constexpr std::size_t kChecksumBytes = 4;
constexpr std::string_view kBeingWritten = ".new-";
/// Beyond, the process ended while it wrote. A younger one may be another process', which has the same folder.
constexpr std::chrono::seconds kWrittenWithin{60};

/// CRC-32, so that a file that a power cut left half written is not played.
std::string checksum(std::string_view bytes) {
  std::uint32_t sum = crc32(bytes);
  std::string text(kChecksumBytes, '\0');
  for (char& c : text) {
    c = static_cast<char>(static_cast<unsigned char>(sum & 0xff));
    sum >>= 8;
  }
  return text;
}

bool is_key(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::string shared_key(const std::string& key) {
  return std::string(kSpeechKeys) + key;
}

}  // namespace

Result<std::unique_ptr<SpeechCache>> SpeechCache::open(const fs::path& folder, std::uint64_t most_bytes, Cache* shared,
                                                       Metrics& metrics) {
  std::error_code status;
  fs::create_directories(folder, status);
  if (status || ::chmod(folder.c_str(), 0700) != 0) {
    return fail(ErrorCode::kUnavailable, "cannot make the folder of the speech cache " + folder.string() +
                                             "; choose a MORGAN_HOME that this user may write to, or set "
                                             "cache.speech_mb = 0");
  }
  std::unique_ptr<SpeechCache> cache(new SpeechCache(folder, most_bytes, shared, metrics));
  cache->find_files();
  return cache;
}

void SpeechCache::find_files() {
  std::vector<std::pair<fs::file_time_type, Entry>> found;
  std::error_code status;
  for (const auto& entry : fs::directory_iterator(folder_, status)) {
    const std::string name = entry.path().filename();
    if (is_key(name)) {
      found.emplace_back(entry.last_write_time(status), Entry{name, entry.file_size(status)});
    } else if (name.find(kBeingWritten) != std::string::npos &&
               entry.last_write_time(status) + kWrittenWithin < fs::file_time_type::clock::now()) {
      fs::remove(entry.path(), status);
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [used, entry] : found)
    enter(entry.key, entry.size);
}

std::optional<std::string> SpeechCache::get(const std::string& key) {
  auto audio = read(key);
  const char* result = audio ? "hit" : "miss";
  if (!audio && shared_ != nullptr) {
    audio = shared_->get(shared_key(key));
    if (audio) {
      result = "shared";
      if (write(key, *audio)) enter(key, audio->size() + kChecksumBytes);
    }
  }
  metrics_.count("morgan_speech_cache_total", {{"result", result}});
  return audio;
}

std::optional<std::string> SpeechCache::read(const std::string& key) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
  }
  auto content = read_file(path_of(key), kMostEach + kChecksumBytes);
  if (content && content->size() > kChecksumBytes) {
    const std::size_t size = content->size() - kChecksumBytes;
    if (checksum(std::string_view(*content).substr(0, size)) == content->substr(size)) {
      content->resize(size);
      // The order of use outlives the process in the files' times.
      ::utimensat(AT_FDCWD, path_of(key).c_str(), nullptr, 0);
      return std::move(*content);
    }
  }
  forget(key);
  return std::nullopt;
}

void SpeechCache::put(const std::string& key, const std::string& audio) {
  if (audio.empty() || audio.size() > kMostEach || audio.size() + kChecksumBytes > most_bytes_) return;
  if (write(key, audio)) enter(key, audio.size() + kChecksumBytes);
  if (shared_ != nullptr) shared_->set(shared_key(key), audio, kSharedFor);
}

/// Without a sync, which the client would wait for: the checksum finds what a power cut spoiled.
bool SpeechCache::write(const std::string& key, const std::string& audio) const {
  const fs::path part = random_id(path_of(key).string() + std::string(kBeingWritten));
  {
    std::ofstream file(part, std::ios::binary);
    ::chmod(part.c_str(), 0600);
    file << audio << checksum(audio);
    file.close();
    if (!file) {
      log::warn("stores", "speech could not be kept", {{"folder", folder_.string()}});
      ::unlink(part.c_str());
      return false;
    }
  }
  return ::rename(part.c_str(), path_of(key).c_str()) == 0;
}

void SpeechCache::enter(const std::string& key, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    bytes_ -= found->second->size;
    entries_.erase(found->second);
    ++replaced_;
  }
  entries_.push_front({key, size});
  by_key_[key] = entries_.begin();
  bytes_ += size;
  while (bytes_ > most_bytes_ && !entries_.empty()) {
    const Entry oldest = std::move(entries_.back());
    entries_.pop_back();
    by_key_.erase(oldest.key);
    bytes_ -= oldest.size;
    ::unlink(path_of(oldest.key).c_str());
  }
  metrics_.set_gauge("morgan_speech_cache_bytes", {}, static_cast<double>(bytes_));
}

void SpeechCache::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  ::unlink(path_of(key).c_str());
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  bytes_ -= found->second->size;
  entries_.erase(found->second);
  by_key_.erase(found);
}

std::uint64_t SpeechCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace morgan::stores
