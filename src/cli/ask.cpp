// morgan ask: a spoken question in, the spoken answer out, with where the time went.
#include "audio/media_encoder.h"
#include "audio/pcm16.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/strings.h"
#include "cli/audio_file.h"
#include "cli/command.h"
#include "cli/morgan_client.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

constexpr std::uint64_t kMaxQuestionBytes = 4'000'000'000;

struct AskOptions {
  std::filesystem::path question;
  std::filesystem::path output;
  std::string user;
  std::string voice = "default";
  std::string language;
  bool no_audio = false;
};

struct Answer {
  std::string transcript;
  std::string text;
  std::string pcm;  ///< little-endian PCM16
  int rate_hz = 0;
  double first_audio_ms = -1;  ///< as this client saw it
  Json summary = Json::object();
};

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

Result<Answer> ask_server(const Context& context, const AskOptions& options, const MorganClient& client,
                          std::string audio) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.url = client.address("core") + "/api/audio";
  request.form = {
      {"file", std::move(audio), options.question.filename().string(), "application/octet-stream"},
      {"metadata", dump_json(Json{{"voice", options.voice}, {"generate_audio", !options.no_audio}}), "", ""}};
  if (const auto user = client.user(options.user)) request.form.push_back({"user_id", *user, "", ""});
  if (!options.language.empty()) request.form.push_back({"language", options.language, "", ""});

  Answer answer;
  const auto begin = std::chrono::steady_clock::now();
  const auto on_event = [&](std::string_view event, const Json& data) {
    if (event == "transcript") {
      answer.transcript = data.value("text", "");
      if (!context.json) std::cout << dim("you     ") << answer.transcript << "\n" << dim("morgan  ") << std::flush;
    } else if (event == "text") {
      const std::string delta = data.value("delta", "");
      answer.text += delta;
      if (!context.json) std::cout << delta << std::flush;
    } else if (event == "audio") {
      if (answer.first_audio_ms < 0) answer.first_audio_ms = milliseconds_since(begin);
      answer.rate_hz = data.value("sample_rate", 0);
      if (const Result<std::string> pcm = base64_decode(data.value("audio_data", ""))) answer.pcm += *pcm;
    } else if (event == "done") {
      answer.summary = data;
    }
    return true;
  };
  MORGAN_CHECK_OK(client.stream(std::move(request), on_event, context.stop));
  return answer;
}

void print_breakdown(const Answer& answer) {
  const Json timings = answer.summary.value("metadata", Json::object()).value("timings_ms", Json::object());
  const auto row = [&](const char* label, const char* key) {
    const auto value = json_number(timings, key);  // null where the stage did not happen
    if (value && *value) std::cout << dim(fmt::format("  {:<22} {:6.0f} ms\n", label, **value));
  };
  std::cout << "\n";
  row("transcript", "transcript");
  row("first word of answer", "first_token");
  row("first audio", "first_audio");
  row("answer complete", "total");
}

Result<void> ask(const Context& context, const AskOptions& options) {
  MORGAN_TRY(const audio::AudioFormat format, format_of(options.output));  // before anything is asked and stored
  MORGAN_TRY(std::string audio, read_file(options.question, kMaxQuestionBytes));
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"core"}));
  MORGAN_TRY(const Answer answer, ask_server(context, options, *client, std::move(audio)));
  if (context.json) {
    OrderedJson summary = OrderedJson::parse(dump_json(answer.summary));
    summary.erase("audio_data");
    std::cout << dump_json(summary, 2) << "\n";
  } else if (answer.transcript.empty()) {
    std::cout << "(no words were heard in " << options.question.string() << ")\n";
  } else {
    print_breakdown(answer);
  }
  if (!options.output.empty()) {
    if (answer.pcm.empty())
      return fail(ErrorCode::kUnavailable, "there is no spoken answer to write to " + options.output.string());
    MORGAN_TRY(const std::string file, audio::encode_media(format, audio::decode_pcm16(answer.pcm, answer.rate_hz)));
    MORGAN_CHECK_OK(write_file_atomically(options.output, file));
    if (!context.json) std::cout << dim("  answer written to ") << options.output.string() << "\n";
  }
  return {};
}

}  // namespace

void add_ask(CLI::App& root, Context& context) {
  const auto options = std::make_shared<AskOptions>();
  CLI::App* command = root.add_subcommand("ask", "ask a recorded question; get the answer, spoken, and its timings");
  command->add_option("question", options->question, "audio file: wav, mp3, m4a, ogg, webm, flac")->required();
  command->add_option("-o,--output", options->output, "write the spoken answer here");
  command->add_option("-u,--user", options->user,
                      "whose conversation this belongs to (default: cli, or the user of client.api_key)");
  command->add_option("-v,--voice", options->voice, "voice of the answer");
  command->add_option("-l,--language", options->language, "language of the question (default: detected)");
  command->add_flag("--text-only", options->no_audio, "no spoken answer");
  command->callback([&context, options] {
    context.action = [&context, options] {
      const Result<void> done = ask(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
