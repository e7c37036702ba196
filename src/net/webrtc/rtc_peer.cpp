#include "net/webrtc/rtc_peer.h"

#include "base/ids.h"
#include "base/log.h"
#include "net/webrtc/rtc_sdp.h"

#include <fmt/format.h>
#include <rtc/rtc.hpp>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

namespace morgan::net {

namespace {

constexpr std::chrono::seconds kMostGathering{5};
constexpr unsigned int kLibraryThreads = 2;
constexpr std::size_t kMostMessage = std::size_t{256} << 10U;
constexpr std::size_t kMostMedia = 16;
constexpr std::uint32_t kClockRate = 48'000;
constexpr const char* kStream = "morgan";

void prepare_library() {
  static const bool kDone = [] {
    rtc::SetThreadPoolSize(kLibraryThreads);
    // What it calls errors are mostly faults of peers.
    rtc::InitLogger(rtc::LogLevel::Error, [](rtc::LogLevel, const std::string& text) {
      log::debug("webrtc", "libdatachannel", {{"says", text}});
    });
    return true;
  }();
  static_cast<void>(kDone);
}

/// What the library says of an offer has parts of it.
std::string printable(std::string_view text) {
  std::string shown(text.substr(0, 100));
  std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return shown;
}

std::uint32_t random_number() {
  static thread_local std::random_device device;
  return static_cast<std::uint32_t>(device());
}

bool is_opus(const rtc::Description::Media::RtpMap& map) {
  std::string name = map.format;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name == "opus" && map.clockRate == static_cast<int>(kClockRate);
}

/// @return the payload type; nullopt: there is no Opus
std::optional<int> leave_only_opus(rtc::Description::Media& media) {
  std::optional<int> opus;
  for (const int type : media.payloadTypes()) {
    const auto* map = media.rtpMap(type);
    if (!opus && map != nullptr && is_opus(*map)) {
      opus = type;
    } else {
      media.removeRtpMap(type);
    }
  }
  if (!opus) return std::nullopt;
  auto* const map = media.rtpMap(*opus);
  map->rtcpFbs.clear();
  map->fmtps = {"minptime=10;useinbandfec=1"};
  for (const int id : media.extIds())
    media.removeExtMap(id);
  for (const std::string& attribute : media.attributes()) {
    if (attribute.starts_with("msid:") || attribute.starts_with("ssrc-group:")) media.removeAttribute(attribute);
  }
  return opus;
}

class DataChannelPeer final : public RtcPeer, public std::enable_shared_from_this<DataChannelPeer> {
 public:
  explicit DataChannelPeer(std::weak_ptr<RtcEvents> events) : events_(std::move(events)) {}
  ~DataChannelPeer() override { shut(); }

  Result<void> open(const std::string& offer, const RtcOptions& options);
  const std::string& answer() const override { return answer_; }
  Result<void> send_text(const std::string& text) override;
  Result<void> send_packet(std::string_view packet, std::uint32_t timestamp) override;
  void close() override;

 private:
  void shut();
  void listen();
  void take_track(const std::shared_ptr<rtc::Track>& track);
  void take_channel(const std::shared_ptr<rtc::DataChannel>& channel);
  void take_state(rtc::PeerConnection::State state);
  void announce_channel();
  template <typename Call>
  void tell(Call call) {
    if (closed_) return;
    if (const auto events = events_.lock()) call(*events);
  }

  const std::weak_ptr<RtcEvents> events_;
  std::string answer_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> channel_told_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool gathered_ = false;                             // guarded by mutex_
  std::shared_ptr<rtc::PeerConnection> connection_;   // guarded by mutex_; shared with calls under way
  std::shared_ptr<rtc::Track> track_;                 // likewise
  std::shared_ptr<rtc::DataChannel> channel_;         // likewise
  std::shared_ptr<rtc::RtpPacketizationConfig> rtp_;  // shared with the track's handlers
};

void DataChannelPeer::take_track(const std::shared_ptr<rtc::Track>& track) {
  const std::lock_guard lock(mutex_);
  rtc::Description::Media media = track->description();
  if (track_ || media.type() != "audio") return;  // not kept: the answer declines it
  const auto opus = leave_only_opus(media);
  if (!opus) return;
  const auto ssrc = random_number();
  const std::string name = random_id("");
  if (media.direction() != rtc::Description::Direction::RecvOnly) media.addSSRC(ssrc, name, kStream, "voice");
  track->setDescription(std::move(media));
  rtp_ = std::make_shared<rtc::RtpPacketizationConfig>(ssrc, name, static_cast<std::uint8_t>(*opus), kClockRate);
  rtp_->sequenceNumber = static_cast<std::uint16_t>(random_number());
  // What goes out passes them in this order, what comes in the other way round.
  auto chain = std::make_shared<rtc::OpusRtpPacketizer>(rtp_);
  chain->addToChain(std::make_shared<rtc::RtcpSrReporter>(rtp_));
  chain->addToChain(std::make_shared<rtc::OpusRtpDepacketizer>());
  chain->addToChain(std::make_shared<rtc::RtcpReceivingSession>());
  track->setMediaHandler(chain);
  track->onFrame([weak = weak_from_this(), type = *opus](const rtc::binary& data, const rtc::FrameInfo& info) {
    const auto self = weak.lock();
    if (!self || info.payloadType != type || data.empty()) return;
    std::string packet(data.size(), '\0');
    std::memcpy(packet.data(), data.data(), data.size());
    self->tell([&](RtcEvents& events) { events.on_packet(std::move(packet), info.timestamp); });
  });
  track_ = track;
}

void DataChannelPeer::take_channel(const std::shared_ptr<rtc::DataChannel>& channel) {
  {
    const std::lock_guard lock(mutex_);
    if (channel_ || closed_) return channel->close();
    channel_ = channel;
  }
  channel->onMessage([weak = weak_from_this()](const rtc::message_variant& message) {
    const auto self = weak.lock();
    if (!self) return;
    std::string text;
    if (const auto* const written = std::get_if<std::string>(&message)) {
      text = *written;
    } else {
      const auto& bytes = std::get<rtc::binary>(message);
      text.resize(bytes.size());
      std::transform(bytes.begin(), bytes.end(), text.begin(), [](std::byte b) { return static_cast<char>(b); });
    }
    self->tell([&](RtcEvents& events) { events.on_text(std::move(text)); });
  });
  channel->onOpen([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->announce_channel();
  });
  if (channel->isOpen()) announce_channel();
}

void DataChannelPeer::announce_channel() {
  if (channel_told_.exchange(true)) return;
  tell([](RtcEvents& events) { events.on_channel(); });
}

void DataChannelPeer::take_state(rtc::PeerConnection::State state) {
  using State = rtc::PeerConnection::State;
  if (state == State::Connected) tell([](RtcEvents& events) { events.on_connected(); });
  if (state != State::Disconnected && state != State::Failed && state != State::Closed) return;
  if (closed_.exchange(true)) return;
  if (const auto events = events_.lock()) events->on_gone();
}

void DataChannelPeer::listen() {
  const auto weak = weak_from_this();
  connection_->onTrack([weak](const std::shared_ptr<rtc::Track>& track) {
    if (const auto self = weak.lock()) self->take_track(track);
  });
  connection_->onDataChannel([weak](const std::shared_ptr<rtc::DataChannel>& channel) {
    if (const auto self = weak.lock()) self->take_channel(channel);
  });
  connection_->onStateChange([weak](rtc::PeerConnection::State state) {
    if (const auto self = weak.lock()) self->take_state(state);
  });
  connection_->onGatheringStateChange([weak](rtc::PeerConnection::GatheringState state) {
    const auto self = weak.lock();
    if (!self || state != rtc::PeerConnection::GatheringState::Complete) return;
    const std::lock_guard lock(self->mutex_);
    self->gathered_ = true;
    self->changed_.notify_all();
  });
}

Result<void> DataChannelPeer::open(const std::string& offer, const RtcOptions& options) {
  prepare_library();
  rtc::Configuration configuration;
  configuration.disableAutoNegotiation = true;
  configuration.maxMessageSize = kMostMessage;
  if (!options.bind_address.empty()) configuration.bindAddress = options.bind_address;
  if (options.port != 0) {
    configuration.portRangeBegin = configuration.portRangeEnd = options.port;
    configuration.enableIceUdpMux = true;
  }
  const auto refused = [](std::string_view why) {
    return fail(Error{ErrorCode::kInvalidArgument,
                      fmt::format("the SDP is no offer that can be answered: {}", printable(why)), "invalid_offer",
                      "sdp"});
  };
  if (count_media(offer) > kMostMedia) return refused("it has more than 16 tracks and channels");
  try {
    connection_ = std::make_shared<rtc::PeerConnection>(configuration);
    listen();
    connection_->setRemoteDescription(rtc::Description(without_candidates(offer), rtc::Description::Type::Offer));
  } catch (const std::exception& problem) {
    return refused(problem.what());
  }
  if (!track_) return refused("it has no audio in Opus");
  try {
    connection_->setLocalDescription(rtc::Description::Type::Answer);
    std::unique_lock lock(mutex_);
    const bool gathered = changed_.wait_for(lock, kMostGathering, [this] { return gathered_; });
    const auto description = connection_->localDescription();
    if (!gathered || !description || description->candidates().empty())
      return fail(ErrorCode::kUnavailable, "there is no address at which WebRTC can be reached");
    answer_ = std::string(*description);
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kUnavailable, fmt::format("WebRTC cannot be answered: {}", problem.what()));
  }
  if (!options.advertised.empty()) answer_ = with_advertised(answer_, options.advertised);
  return {};
}

Result<void> DataChannelPeer::send_text(const std::string& text) {
  std::shared_ptr<rtc::DataChannel> channel;  // shared with this for the call
  {
    const std::lock_guard lock(mutex_);
    channel = channel_;
  }
  if (closed_ || !channel || !channel->isOpen()) return fail(ErrorCode::kUnavailable, "the data channel is not open");
  try {
    if (text.size() > channel->maxMessageSize())
      return fail(ErrorCode::kTooLarge, fmt::format("the peer takes messages of {} bytes", channel->maxMessageSize()));
    if (channel->bufferedAmount() + text.size() > kMostUnsent)
      return fail(ErrorCode::kOverloaded, "the peer reads its data channel too slowly");
    channel->send(text);
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kUnavailable, problem.what());
  }
  return {};
}

Result<void> DataChannelPeer::send_packet(std::string_view packet, std::uint32_t timestamp) {
  std::shared_ptr<rtc::Track> track;  // shared with this for the call
  {
    const std::lock_guard lock(mutex_);
    track = track_;
  }
  if (closed_ || !track || !track->isOpen()) return fail(ErrorCode::kUnavailable, "the track is not open");
  try {
    const auto* const bytes = reinterpret_cast<const std::byte*>(packet.data());
    track->sendFrame(bytes, packet.size(), rtc::FrameInfo(timestamp));
  } catch (const std::exception& problem) {
    return fail(ErrorCode::kUnavailable, problem.what());
  }
  return {};
}

void DataChannelPeer::close() {
  closed_ = true;
  shut();
}

void DataChannelPeer::shut() {
  std::shared_ptr<rtc::PeerConnection> connection;
  std::shared_ptr<rtc::Track> track;
  std::shared_ptr<rtc::DataChannel> channel;
  {
    const std::lock_guard lock(mutex_);
    connection = std::move(connection_);
    track = std::move(track_);
    channel = std::move(channel_);
  }
  try {
    if (connection) connection->close();
  } catch (const std::exception& problem) {
    log::debug("webrtc", "a peer could not be closed", {{"why", problem.what()}});
  }
}

/// The peer's callbacks share it while they run, so that its owner may let it go at any time.
class OwnedPeer final : public RtcPeer {
 public:
  explicit OwnedPeer(std::shared_ptr<DataChannelPeer> peer) : peer_(std::move(peer)) {}
  ~OwnedPeer() override { peer_->close(); }
  const std::string& answer() const override { return peer_->answer(); }
  Result<void> send_text(const std::string& text) override { return peer_->send_text(text); }
  Result<void> send_packet(std::string_view packet, std::uint32_t timestamp) override {
    return peer_->send_packet(packet, timestamp);
  }
  void close() override { peer_->close(); }

 private:
  const std::shared_ptr<DataChannelPeer> peer_;  // shared with callbacks that are running
};

}  // namespace

Result<std::unique_ptr<RtcPeer>> RtcPeer::accept(const std::string& offer, const RtcOptions& options,
                                                 std::weak_ptr<RtcEvents> events) {
  auto peer = std::make_shared<DataChannelPeer>(std::move(events));
  MORGAN_CHECK_OK(peer->open(offer, options));
  return std::unique_ptr<RtcPeer>(std::make_unique<OwnedPeer>(std::move(peer)));
}

}  // namespace morgan::net
