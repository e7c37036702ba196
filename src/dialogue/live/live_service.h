// All live conversations of a process: their shared threads, how many there may be, and their last turns.
#pragma once

#include "dialogue/live/live_session.h"
#include "dialogue/live/live_types.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace morgan::dialogue::live {

struct LiveServiceOptions {
  std::size_t max_sessions = 2000;
  std::size_t max_streams = 0;  ///< sessions that send audio; 0: as many as were measured
  // Called when one begins and has ended; must be quick. May be null.
  std::function<void(const std::string& user_id, const std::string& language)> on_open = nullptr;
  std::function<void(const std::string& user_id, double seconds)> on_close = nullptr;
};

/// @thread any
class LiveService {
 public:
  /// @param parts  its pool, metrics, log and recorder are set here; the engines and the store outlive the service
  /// Measures how much of a core listening to one microphone takes, and from that how many there may be.
  LiveService(LiveParts parts, LiveServiceOptions options, Metrics* metrics);
  ~LiveService();
  LiveService(const LiveService&) = delete;
  LiveService& operator=(const LiveService&) = delete;

  std::shared_ptr<runtime::Strand> make_strand();

  /// A new conversation, counted until it is destroyed. Its calls go on `strand`. @param memory  as LiveSession has it
  /// @error kOverloaded  the message says which limit   @error kNotFound  the voice
  Result<std::shared_ptr<LiveSession>> open(std::shared_ptr<runtime::Strand> strand, LiveConfig config,
                                            const std::string& id, LiveOutput* output,
                                            std::shared_ptr<LiveMemory> memory = nullptr);
  /// A session begins to send audio: counted until the returned token is destroyed.
  /// @error kOverloaded  one more would make the others miss frames
  Result<std::shared_ptr<void>> open_stream();

  /// Says this in every conversation of this user, outside of them (LiveSession::announce). @return in how many; those
  /// whose clients are told nothing that they have not asked for are none
  std::size_t announce(const std::string& user_id, const Announcement& announcement);

  Result<engines::Voice> find_voice(const std::string& name) const;
  std::string model_name() const { return parts_.llm->model_name(); }
  std::string transcriber_name() const { return parts_.stt->info().model; }
  const DialogueOptions& dialogue() const { return parts_.dialogue; }
  int context_tokens() const { return parts_.llm->context_tokens(); }
  const TurnLog& turns() const { return log_; }
  /// @return how many of the last turns were this user's
  long long forget_turns(const std::string& user_id) { return log_.erase(user_id); }
  std::size_t sessions() const { return sessions_.load(); }
  bool is_full() const { return sessions() >= options_.max_sessions; }
  std::size_t max_streams() const { return max_streams_; }

  /// Waits for what is being written and joins the threads. Sessions must have ended. Idempotent.
  void stop();

 private:
  struct Open {
    std::string user_id;
    std::shared_ptr<runtime::Strand> strand;  // shared with the conversation
    std::weak_ptr<LiveSession> session;
    std::shared_ptr<const std::atomic<bool>> can_be_told;  // shared with the conversation
  };

  static std::size_t measured_streams(engines::VadEngine& vad);

  LiveParts parts_;
  const LiveServiceOptions options_;
  TurnLog log_;
  std::size_t max_streams_ = 0;
  std::atomic<std::size_t> sessions_{0};
  std::atomic<std::size_t> streams_{0};
  std::mutex open_mutex_;
  std::vector<Open> open_;  // guarded by open_mutex_
  std::unique_ptr<runtime::BlockingPool> pool_;
  std::unique_ptr<TurnRecorder> recorder_;  // null: turns are not kept
  std::unique_ptr<runtime::StrandPool> strands_;
};

}  // namespace morgan::dialogue::live
