// morgan say: text to a file or to the loudspeaker.
#include "base/file.h"
#include "base/strings.h"
#include "base/subprocess.h"
#include "cli/audio_file.h"
#include "cli/command.h"
#include "cli/morgan_client.h"

#include <fmt/format.h>

#include <iostream>
#include <sstream>

namespace morgan::cli {

namespace {

struct SayOptions {
  std::vector<std::string> words;
  std::filesystem::path output;
  std::string voice = "default";
  double speed = 1.0;
  bool list_voices = false;
};

/// Plays with the first player that is installed. @error kUnavailable  there is none
Result<void> play(const std::string& wav, const StopToken& stop) {
  static const std::vector<std::vector<std::string>> kPlayers{
      {"pw-play"}, {"paplay"}, {"aplay", "-q"}, {"ffplay", "-loglevel", "error", "-nodisp", "-autoexit"}};
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / fmt::format("morgan-say-{}.wav", ::getpid());
  for (const std::vector<std::string>& player : kPlayers) {
    if (!program_exists(player.front())) continue;
    MORGAN_CHECK_OK(write_file_atomically(file, wav));
    std::vector<std::string> command = player;
    command.push_back(file.string());
    const Result<ProcessResult> result = run_process(command, "/", stop);
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    if (result && result->exit_code == 0) return {};
    if (!result && result.error().code == ErrorCode::kCancelled) return fail(result.error());
  }
  return fail(ErrorCode::kUnavailable, "no loudspeaker or player was found here; write a file with -o speech.wav");
}

Result<void> print_voices(const Context& context, const MorganClient& client) {
  net::ClientRequest request;
  request.url = client.address("tts") + "/voices";
  MORGAN_TRY(const net::ClientResponse response, client.send(request, context.stop));
  MORGAN_TRY(const Json body, parse_json_object(response.body));
  if (context.json) {
    std::cout << dump_json(body, 2) << "\n";
    return {};
  }
  for (const Json& voice : body.value("voices", Json::array())) {
    std::cout << fmt::format("{:<14} {:<6} {:<7} {}\n", voice.value("name", ""), voice.value("language", ""),
                             voice.value("gender", ""), voice.value("description", ""));
  }
  return {};
}

Result<std::string> text_to_say(const SayOptions& options) {
  if (!options.words.empty() && !(options.words.size() == 1 && options.words.front() == "-"))
    return join(options.words, " ");
  std::ostringstream all;
  all << std::cin.rdbuf();
  if (trim(all.str()).empty())
    return fail(ErrorCode::kInvalidArgument, "there is no text to say; give it as an argument or on standard input");
  return all.str();
}

Result<void> say(const Context& context, const SayOptions& options) {
  const bool possible = options.speed >= 0.25 && options.speed <= 4;  // "nan" is not
  if (!possible) return fail(ErrorCode::kInvalidArgument, "the speed must be from 0.25 to 4");
  MORGAN_TRY(const audio::AudioFormat format, format_of(options.output));
  std::string text;
  if (!options.list_voices) {
    MORGAN_TRY(text, text_to_say(options));
  }
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"tts"}));
  if (options.list_voices) return print_voices(context, *client);
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.url = client->address("tts") + "/synthesize";
  request.headers.emplace("Content-Type", "application/json");
  request.body = dump_json(Json{{"text", text},
                                {"voice", options.voice},
                                {"speed", options.speed},
                                {"format", std::string(audio::to_string(format))},
                                {"stream", false}});
  MORGAN_TRY(const net::ClientResponse response, client->send(std::move(request), context.stop));
  if (options.output.empty()) return play(response.body, context.stop);
  if (options.output == "-") {
    std::cout << response.body << std::flush;
    return {};
  }
  MORGAN_CHECK_OK(write_file_atomically(options.output, response.body));
  if (context.json) {
    std::cout << dump_json(OrderedJson{{"file", options.output.string()}, {"bytes", response.body.size()}}) << "\n";
  } else {
    std::cout << options.output.string() << ": " << human_bytes(response.body.size()) << "\n";
  }
  return {};
}

}  // namespace

void add_say(CLI::App& root, Context& context) {
  const auto options = std::make_shared<SayOptions>();
  CLI::App* command = root.add_subcommand("say", "speak a text, aloud or into a file");
  command->add_option("text", options->words, "what to say; - or nothing reads standard input");
  command->add_option("-o,--output", options->output,
                      "file: .wav, .mp3, .opus, .flac, .aac, .pcm; - is standard output");
  command->add_option("-v,--voice", options->voice, "voice (see --voices)");
  command->add_option("-s,--speed", options->speed, "0.25 to 4; 2 is twice as fast");
  command->add_flag("--voices", options->list_voices, "list the voices");
  command->callback([&context, options] {
    context.action = [&context, options] {
      const Result<void> done = say(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
