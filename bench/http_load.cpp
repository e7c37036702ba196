// Load on one address: http_load [options] http://HOST:PORT/PATH
//
//     --connections N   kept open, one request at a time on each (64)
//     --seconds S       how long (10), after --warmup S (1) that are not counted
//     --requests N      ends after so many, even before --seconds
//     --post TEXT       sends this body, --type TEXT (application/json) is its type
//     --expect TEXT     each answer's head must have this line, such as "X-Cache: hit"
//     --answers FILE    gets a line for each answer: milliseconds, a tab, the body on one line
//     --json            prints one object
//
// One thread. A failure: no connection, a connection that breaks, a status other than 2xx, a line of --expect that is
// missing. Latency is from the request's first byte to the answer's last.
#include <netdb.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kReadSize = 256 * 1024;
constexpr int kAnswerLimitMs = 10'000;  // nothing on any connection for so long: the server hangs
constexpr int kMaxEvents = 256;

struct Options {
  std::string host;
  std::string port = "80";
  std::string path = "/";
  std::size_t connections = 64;
  double seconds = 10;
  double warmup = 1;
  std::uint64_t requests = UINT64_MAX;
  std::optional<std::string> post;
  std::string type = "application/json";
  std::string expect;
  std::string answers;
  bool json = false;
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "http_load: %s\n", what.c_str());
  std::exit(1);
}

void read_url(std::string_view url, Options& options) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) die("the address must begin with http://");
  url.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  const std::string_view authority = url.substr(0, slash);
  if (slash < url.size()) options.path = url.substr(slash);
  const std::size_t colon = std::min(authority.rfind(':'), authority.size());
  options.host = authority.substr(0, colon);
  if (colon < authority.size()) options.port = authority.substr(colon + 1);
}

Options read_options(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto value = [&]() -> const std::string& {
      if (i + 1 == words.size()) die(word + " needs a value");
      return words[++i];
    };
    if (word == "--connections") {
      options.connections = std::stoul(value());
    } else if (word == "--seconds") {
      options.seconds = std::stod(value());
    } else if (word == "--warmup") {
      options.warmup = std::stod(value());
    } else if (word == "--requests") {
      options.requests = std::stoull(value());
    } else if (word == "--post") {
      options.post = value();
    } else if (word == "--type") {
      options.type = value();
    } else if (word == "--expect") {
      options.expect = value();
    } else if (word == "--answers") {
      options.answers = value();
    } else if (word == "--json") {
      options.json = true;
    } else if (word.starts_with("--")) {
      die("there is no option " + word);
    } else {
      read_url(word, options);
    }
  }
  if (options.host.empty()) die("which address? http_load [options] http://HOST:PORT/PATH");
  return options;
}

std::string request_of(const Options& options) {
  std::string text = (options.post ? "POST " : "GET ") + options.path + " HTTP/1.1\r\nHost: " + options.host + ":" +
                     options.port + "\r\nAccept: */*\r\n";
  if (options.post) {
    text += "Content-Type: " + options.type + "\r\nContent-Length: " + std::to_string(options.post->size()) + "\r\n";
  }
  return text + "\r\n" + options.post.value_or("");
}

/// The value of a header in `head`, or "".
std::string_view header_of(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    std::string_view line = head.substr(at + 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    line = line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return line;
  }
  return {};
}

/// An answer as it comes in.
class Answer {
 public:
  enum class State { kPartial, kWhole, kBroken };

  State add(std::string_view bytes) {
    data_ += bytes;
    if (head_size_ == 0) {
      const std::size_t end = data_.find("\r\n\r\n");
      if (end == std::string::npos) return State::kPartial;
      head_size_ = end + 4;
      if (!data_.starts_with("HTTP/1.1 ")) return State::kBroken;
      chunked_ = header_of(head(), "Transfer-Encoding") == "chunked";
      length_ = std::strtoull(std::string(header_of(head(), "Content-Length")).c_str(), nullptr, 10);
      chunk_ = head_size_;
    }
    if (!chunked_) return data_.size() < head_size_ + length_ ? State::kPartial : State::kWhole;
    return add_chunks();
  }
  std::string_view head() const { return std::string_view(data_).substr(0, head_size_); }
  std::string_view body() const { return std::string_view(data_).substr(head_size_); }
  int status() const { return std::atoi(data_.c_str() + std::strlen("HTTP/1.1 ")); }
  void clear() {
    data_.clear();
    head_size_ = 0;
  }

 private:
  State add_chunks() {
    for (;;) {
      const std::size_t line = data_.find("\r\n", chunk_);
      if (line == std::string::npos) return State::kPartial;
      const std::size_t size = std::strtoull(data_.c_str() + chunk_, nullptr, 16);
      const std::size_t next = line + 2 + size + 2;
      if (data_.size() < next) return State::kPartial;
      if (size == 0) return State::kWhole;
      chunk_ = next;
    }
  }

  std::string data_;
  std::size_t head_size_ = 0;  // 0: not there yet
  std::size_t length_ = 0;
  std::size_t chunk_ = 0;  // where the next chunk begins
  bool chunked_ = false;
};

struct Connection {
  int socket = -1;
  Clock::time_point began;
  Answer answer;
};

struct Figures {
  std::vector<double> milliseconds;
  std::uint64_t failures = 0;
  std::string first_failure;
  double seconds = 0;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), request_(request_of(options)), epoll_(epoll_create1(0)) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(options.host.c_str(), options.port.c_str(), &hints, &address_) != 0) die("no such host");
    if (!options.answers.empty()) answers_ = std::fopen(options.answers.c_str(), "w");
    if (!options.answers.empty() && answers_ == nullptr) die("cannot write " + options.answers);
  }
  ~Load() {
    for (const Connection& connection : connections_)
      close(connection.socket);
    close(epoll_);
    freeaddrinfo(address_);
    if (answers_ != nullptr) std::fclose(answers_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Figures run() {
    connections_.resize(options_.connections);
    for (Connection& connection : connections_)
      open(connection);
    if (options_.warmup > 0) run_for(options_.warmup, UINT64_MAX);
    const Figures warm = std::exchange(figures_, {});
    figures_.failures = warm.failures;
    figures_.first_failure = warm.first_failure;
    counting_ = true;
    run_for(options_.seconds, options_.requests);
    return std::move(figures_);
  }

 private:
  void run_for(double seconds, std::uint64_t requests) {
    const auto began = Clock::now();
    const auto until = began + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
    left_ = requests;
    ending_ = false;
    for (Connection& connection : connections_)
      begin(connection);
    std::vector<epoll_event> events(kMaxEvents);
    while (waiting_ > 0) {
      const int count = epoll_wait(epoll_, events.data(), kMaxEvents, kAnswerLimitMs);
      if (count == 0) die("no answer in 10 s");
      ending_ = Clock::now() >= until;
      for (int i = 0; i < count; ++i)
        go_on(connections_[events[static_cast<std::size_t>(i)].data.u64]);
    }
    figures_.seconds = Seconds(Clock::now() - began).count();
  }

  void open(Connection& connection) {
    connection.socket = socket(address_->ai_family, SOCK_STREAM, 0);
    if (connect(connection.socket, address_->ai_addr, address_->ai_addrlen) != 0) {
      die("cannot connect: " + std::string(std::strerror(errno)));
    }
    const int one = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event) != 0) die("epoll_ctl failed");
  }

  void begin(Connection& connection) {
    if (left_ == 0 || ending_) return;
    --left_;
    ++waiting_;
    connection.answer.clear();
    connection.began = Clock::now();
    // A request is small and the connection is idle, so the kernel takes it whole.
    const auto sent = send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(request_.size())) fail(connection, "the request was not taken");
  }

  void go_on(Connection& connection) {
    const ssize_t got = recv(connection.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return fail(connection, got == 0 ? "the server closed a connection" : std::strerror(errno));
    const auto state = connection.answer.add({buffer_.data(), static_cast<std::size_t>(got)});
    if (state == Answer::State::kBroken) return fail(connection, "an answer is not HTTP/1.1");
    if (state == Answer::State::kWhole) finish(connection);
  }

  void finish(Connection& connection) {
    const double took = std::chrono::duration<double, std::milli>(Clock::now() - connection.began).count();
    const Answer& answer = connection.answer;
    --waiting_;
    if (answer.status() / 100 != 2) {
      count_failure("status " + std::to_string(answer.status()));
    } else if (!has_expected(answer.head())) {
      count_failure("an answer without " + options_.expect);
    } else {
      figures_.milliseconds.push_back(took);
    }
    if (counting_ && answers_ != nullptr) write_answer(took, answer.body());
    if (strcasecmp(std::string(header_of(answer.head(), "Connection")).c_str(), "close") == 0) reopen(connection);
    begin(connection);
  }

  bool has_expected(std::string_view head) const {
    if (options_.expect.empty()) return true;
    const std::size_t colon = std::min(options_.expect.find(':'), options_.expect.size());
    std::string_view value = std::string_view(options_.expect).substr(std::min(colon + 1, options_.expect.size()));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return header_of(head, std::string_view(options_.expect).substr(0, colon)) == value;
  }

  void write_answer(double took, std::string_view body) {
    std::fprintf(answers_, "%.4f\t", took);
    for (const char c : body)
      std::fputc(c == '\n' || c == '\r' ? ' ' : c, answers_);
    std::fputc('\n', answers_);
  }

  void fail(Connection& connection, const std::string& why) {
    --waiting_;
    count_failure(why);
    reopen(connection);
    begin(connection);
  }

  void reopen(Connection& connection) {
    close(connection.socket);
    open(connection);
  }

  void count_failure(const std::string& why) {
    if (figures_.failures++ == 0) figures_.first_failure = why;
  }

  const Options& options_;
  const std::string request_;
  const int epoll_;
  addrinfo* address_ = nullptr;
  std::FILE* answers_ = nullptr;
  std::vector<char> buffer_ = std::vector<char>(kReadSize);
  std::vector<Connection> connections_;
  std::uint64_t left_ = 0;
  std::size_t waiting_ = 0;  // requests without an answer
  bool ending_ = false;
  bool counting_ = false;
  Figures figures_;
};

void print(const Options& options, Figures figures) {
  std::vector<double>& sorted = figures.milliseconds;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&](double share) {
    return sorted.empty() ? 0.0 : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
  };
  const double rate = static_cast<double>(sorted.size()) / figures.seconds;
  const auto failures = static_cast<unsigned long long>(figures.failures);
  if (options.json) {
    std::printf(
        R"({"requests":%zu,"seconds":%.3f,"per_second":%.1f,"p50_ms":%.4f,"p90_ms":%.4f,"p99_ms":%.4f,"p999_ms":%.4f,)"
        R"("longest_ms":%.4f,"failures":%llu,"connections":%zu})"
        "\n",
        sorted.size(), figures.seconds, rate, at(0.5), at(0.9), at(0.99), at(0.999), at(1), failures,
        options.connections);
  } else {
    std::printf("%zu requests in %.2f s over %zu connections: %.0f a second, %llu failed\n", sorted.size(),
                figures.seconds, options.connections, rate, failures);
    std::printf("p50 %.3f ms   p90 %.3f ms   p99 %.3f ms   p99.9 %.3f ms   longest %.3f ms\n", at(0.5), at(0.9),
                at(0.99), at(0.999), at(1));
  }
  if (failures > 0) std::fprintf(stderr, "http_load: the first failure: %s\n", figures.first_failure.c_str());
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = read_options({arguments + 1, arguments + count});
  Figures figures = Load(options).run();
  const bool well = figures.failures == 0 && !figures.milliseconds.empty();
  print(options, std::move(figures));
  return well ? 0 : 1;
}
