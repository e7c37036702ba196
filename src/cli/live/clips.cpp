#include "cli/live/clips.h"

#include "audio/media_decoder.h"
#include "base/file.h"
#include "base/strings.h"
#include "cli/live/live_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace morgan::cli {

namespace {

constexpr std::uint64_t kMostBytes = 100'000'000;
constexpr std::uint64_t kMostText = 100'000;

/// Different lengths, beginnings and endings; none that an answer of one word would do for.
constexpr std::array kQuestions{
    "What is the capital of France, and why is it famous?",
    "How far away is the moon?",
    "Can you explain to me how a rainbow comes about after the rain?",
    "I would like to bake bread tomorrow morning. What do I need for that?",
    "Why do cats sleep so much during the day?",
    "Who wrote Pride and Prejudice, and what is it about?",
    "Tell me something about the history of the bicycle.",
    "What is the difference between a violin and a viola?",
    "How do I get a red wine stain out of a white shirt?",
    "Could you recommend three books for a long train journey?",
    "What happens to the tides when the moon is full?",
    "Please give me an idea for a quick dinner with eggs and spinach.",
    "How many bones does a grown person have, roughly?",
    "My neighbour plays the drums late at night. How do I talk to him about it without starting a quarrel?",
    "Why is the sea salty, but rivers are not?",
    "What should I think of before I buy a used car from a private seller?",
    "How does a refrigerator keep things cold?",
    "Name a few trees that lose their leaves in autumn.",
    "I have a meeting on Friday and I am a little nervous. How can I prepare myself for it?",
    "What is the best way to learn a new language when you have only half an hour each day?",
};

constexpr std::array kPreferred{"af_heart", "am_michael", "bf_emma",   "bm_george",
                                "joe",      "af_bella",   "am_fenrir", "af_sarah"};

Result<Clip> load_clip(const std::filesystem::path& path) {
  MORGAN_TRY(const std::string bytes, read_file(path, kMostBytes));
  Clip clip;
  clip.name = path.stem().string();
  auto pcm = audio::decode_media(bytes, LiveCall::kRate);
  if (!pcm) return fail(ErrorCode::kInvalidArgument, path.string() + ": " + pcm.error().message);
  clip.pcm = std::move(*pcm);
  const auto voiced = find_voiced(clip.pcm);
  if (!voiced) return fail(ErrorCode::kInvalidArgument, path.string() + ": there is no sound in it");
  clip.voiced = *voiced;
  std::filesystem::path words = path;
  words.replace_extension(".txt");
  if (const auto text = read_file(words, kMostText)) clip.text = trim(*text);
  return clip;
}

/// A name for the cache that tells the text apart, not more: the text lies beside the recording.
std::string cache_name(const std::string& text, const std::string& voice) {
  std::uint64_t sum = 14695981039346656037U;  // FNV-1a
  for (const char letter : text)
    sum = (sum ^ static_cast<unsigned char>(letter)) * 1099511628211U;
  return fmt::format("{}-{:016x}", voice, sum);
}

}  // namespace

Result<std::vector<Clip>> load_clips(const std::vector<std::filesystem::path>& paths) {
  std::vector<Clip> clips;
  for (const std::filesystem::path& path : paths) {
    MORGAN_TRY(Clip clip, load_clip(path));
    clips.push_back(std::move(clip));
  }
  return clips;
}

Result<Clip> spoken_clip(const Context& context, const MorganClient& client, const std::string& text,
                         const std::string& voice) {
  const std::filesystem::path folder = morgan_home() / "cache" / "bench";
  const std::filesystem::path wav = folder / (cache_name(text, voice) + ".wav");
  std::filesystem::path words = wav;
  words.replace_extension(".txt");
  const auto known = read_file(words, kMostText);
  if (!known || trim(*known) != text || !std::filesystem::exists(wav)) {
    net::ClientRequest request;
    request.method = net::Method::kPost;
    request.url = client.address("tts") + "/synthesize";
    request.headers.emplace("Content-Type", "application/json");
    request.body = dump_json(
        Json{{"text", text}, {"voice", voice}, {"format", "wav"}, {"sample_rate", LiveCall::kRate}, {"stream", false}});
    MORGAN_TRY(const net::ClientResponse response, client.send(std::move(request), context.stop));
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed) return fail(ErrorCode::kUnavailable, folder.string() + ": " + failed.message());
    MORGAN_CHECK_OK(write_file_atomically(wav, response.body));
    MORGAN_CHECK_OK(write_file_atomically(words, text + "\n"));
  }
  return load_clip(wav);
}

Result<std::vector<std::string>> bench_voices(const Context& context, const MorganClient& client, std::size_t most) {
  net::ClientRequest request;
  request.url = client.address("tts") + "/voices";
  MORGAN_TRY(const net::ClientResponse response, client.send(std::move(request), context.stop));
  MORGAN_TRY(const Json body, parse_json_object(response.body));
  std::vector<std::string> known;
  for (const Json& voice : body.value("voices", Json::array()))
    known.push_back(voice.value("name", ""));
  std::vector<std::string> chosen;
  for (const char* name : kPreferred) {
    const bool there = std::find(known.begin(), known.end(), name) != known.end();
    if (there && chosen.size() < most) chosen.emplace_back(name);
  }
  if (chosen.empty() && !known.empty()) chosen.push_back(known.front());
  if (chosen.empty()) return fail(ErrorCode::kUnavailable, "no voice is there to speak the questions; name recordings");
  return chosen;
}

Result<std::vector<Clip>> question_clips(const Context& context, const MorganClient& client) {
  constexpr std::size_t kVoices = 5;
  MORGAN_TRY(const std::vector<std::string> voices, bench_voices(context, client, kVoices));
  std::vector<Clip> clips;
  for (std::size_t i = 0; i < kQuestions.size(); ++i) {
    if (context.stop.stop_requested()) return fail(context.stop.error());
    MORGAN_TRY(Clip clip, spoken_clip(context, client, kQuestions[i], voices[i % voices.size()]));
    clips.push_back(std::move(clip));
  }
  return clips;
}

}  // namespace morgan::cli
