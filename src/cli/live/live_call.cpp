#include "cli/live/live_call.h"

#include "audio/pcm16.h"

#include <algorithm>

namespace morgan::cli {

namespace {

constexpr std::chrono::seconds kConnectTimeout{10};
constexpr std::chrono::seconds kCloseTimeout{10};
constexpr std::chrono::milliseconds kLate{10};
constexpr std::chrono::seconds kLost{1};
constexpr int kFramesPerSecond = LiveCall::kRate / static_cast<int>(LiveCall::kFrame);
/// A quiet room through a good microphone: 3 of 32768 at most, about -85 dB of full scale.
constexpr int kRoomNoise = 3;

std::chrono::milliseconds until_ms(Time until) {
  return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()));
}

}  // namespace

LiveCall::LiveCall(std::unique_ptr<net::WsClient> socket, double pace)
    : socket_(std::move(socket)),
      frame_time_(static_cast<std::int64_t>(1e9 / kFramesPerSecond / pace)),
      begin_(Clock::now()) {}

LiveCall::~LiveCall() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopped_changed_.notify_all();
  if (microphone_.joinable()) microphone_.join();
}

Result<std::unique_ptr<LiveCall>> LiveCall::open(const LiveCallOptions& options) {
  const std::string url = "ws" + options.core.substr(std::string_view("http").size()) + "/ws/audio";
  MORGAN_TRY(auto socket, net::WsClient::connect(url, options.headers, kConnectTimeout, options.ca_file));
  std::unique_ptr<LiveCall> call(new LiveCall(std::move(socket), options.pace));
  OrderedJson start{
      {"type", "start"}, {"user_id", options.user_id}, {"output_format", "pcm16"}, {"sample_rate", kRate}};
  if (!options.voice.empty()) start["voice"] = options.voice;
  if (!options.language.empty()) start["language"] = options.language;
  MORGAN_CHECK_OK(call->send(start));
  const Time until = Clock::now() + kConnectTimeout;
  for (;;) {
    MORGAN_TRY(const auto arrival, call->next(until));
    if (!arrival) return fail(ErrorCode::kDeadlineExceeded, "the server did not confirm the conversation within 10 s");
    const std::string type = arrival->json.is_object() ? arrival->json.value("type", "") : "";
    if (type == "error") {
      const auto message = json_string(arrival->json, "message");
      return fail(ErrorCode::kUnavailable, message && *message ? **message : "the server refused the conversation");
    }
    if (type == "status") break;
  }
  // The frames that were due while the conversation was being opened were never recorded.
  call->next_frame_ = static_cast<std::size_t>((Clock::now() - call->begin_) / call->frame_time_);
  call->microphone_ = std::thread([call = call.get()] { call->run_microphone(); });
  return call;
}

Time LiveCall::due(std::size_t frame) const {
  return begin_ + frame_time_ * static_cast<std::int64_t>(frame + 1);
}

Time LiveCall::play(std::vector<float> samples) {
  const std::lock_guard lock(mutex_);
  const auto before =
      static_cast<std::int64_t>(waiting_.size()) * frame_time_.count() / static_cast<std::int64_t>(kFrame);
  waiting_.insert(waiting_.end(), samples.begin(), samples.end());
  return due(next_frame_) - frame_time_ + std::chrono::nanoseconds(before);
}

FrameCounts LiveCall::frames() const {
  const std::lock_guard lock(mutex_);
  return frames_;
}

/// Under the mutex.
std::string LiveCall::next_frame() {
  std::vector<float> frame(kFrame);
  const std::size_t spoken = std::min(kFrame, waiting_.size());
  std::copy_n(waiting_.begin(), spoken, frame.begin());
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(spoken));
  for (float& sample : frame) {
    const int room = static_cast<int>(noise_() % (2 * kRoomNoise + 1)) - kRoomNoise;
    sample += audio::from_pcm16(static_cast<std::int16_t>(room));
  }
  return audio::encode_pcm16(frame);
}

void LiveCall::run_microphone() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const Time when = due(next_frame_);
    if (stopped_changed_.wait_until(lock, when, [this] { return stopped_; })) return;
    std::string frame = next_frame();
    ++next_frame_;
    const auto behind = Clock::now() - when;
    if (behind > kLost) {
      ++frames_.dropped;
      continue;
    }
    if (behind > kLate) ++frames_.late;
    ++frames_.sent;
    lock.unlock();
    const bool taken = socket_->send({true, std::move(frame)}).has_value();
    lock.lock();
    if (!taken) return;  // the caller learns it from next()
  }
}

Result<void> LiveCall::send(const OrderedJson& message) {
  return socket_->send({false, dump_json(message)});
}

Result<void> LiveCall::say(const std::string& text) {
  return send({{"type", "text"}, {"text", text}});
}

Result<void> LiveCall::cancel() {
  return send({{"type", "cancel"}});
}

Result<std::optional<Arrival>> LiveCall::next(Time until) {
  auto message = socket_->receive(until_ms(until));
  const Time at = Clock::now();
  if (!message) {
    if (message.error().code == ErrorCode::kDeadlineExceeded) return std::optional<Arrival>();
    return fail(std::move(message).error());
  }
  Arrival arrival{at, nullptr, ""};
  if (message->binary) {
    arrival.sound = std::move(message->data);
  } else {
    MORGAN_TRY(arrival.json, parse_json_object(message->data));
  }
  return std::optional<Arrival>(std::move(arrival));
}

void LiveCall::hang_up() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopped_changed_.notify_all();
  if (microphone_.joinable()) microphone_.join();
  const Time until = Clock::now() + kCloseTimeout;
  bool open = send({{"type", "stop"}}).has_value();
  while (open && Clock::now() < until)
    open = next(until).has_value();
  socket_->close(1000, "", kCloseTimeout);
}

}  // namespace morgan::cli
