// morgan transcribe: files to text, subtitles or JSON.
#include "base/file.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/morgan_client.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

constexpr std::uint64_t kMaxFileBytes = 4'000'000'000;

struct TranscribeOptions {
  std::vector<std::filesystem::path> files;
  std::filesystem::path output;
  std::string format = "txt";
  std::string language;
  std::string prompt;
  bool words = false;
  bool translate = false;
};

Result<std::string> transcribe_file(const Context& context, const TranscribeOptions& options,
                                    const MorganClient& client, const std::filesystem::path& file) {
  MORGAN_TRY(std::string audio, read_file(file, kMaxFileBytes));
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.url = client.address("stt") + "/transcribe";
  const std::string wire_format = options.format == "txt"    ? "text"
                                  : options.format == "json" ? "verbose_json"
                                                             : options.format;
  request.form = {{"audio", std::move(audio), file.filename().string(), "application/octet-stream"},
                  {"response_format", wire_format, "", ""},
                  {"language", options.language.empty() ? "auto" : options.language, "", ""},
                  {"word_timestamps", options.words ? "true" : "false", "", ""}};
  if (options.translate) request.form.push_back({"task", "translate", "", ""});
  if (!options.prompt.empty()) request.form.push_back({"prompt", options.prompt, "", ""});

  ProgressBar bar;
  const std::string label = "transcribing " + file.filename().string();
  std::optional<std::string> text;
  const auto on_event = [&](std::string_view event, const Json& data) {
    if (event == "progress")
      bar.update(label, static_cast<std::uint64_t>(data.value("fraction", 0.0) * 1000), 1000, false);
    if (event == "done") text = data.value("output", "");
    return true;
  };
  MORGAN_CHECK_OK(client.stream(std::move(request), on_event, context.stop));
  if (!text) return fail(ErrorCode::kUnavailable, "the server sent no transcript; is it an older Morgan?");
  return std::move(*text);
}

Result<void> transcribe(const Context& context, TranscribeOptions options) {
  if (context.json) options.format = "json";
  if (!options.output.empty() && options.files.size() > 1 && !std::filesystem::is_directory(options.output)) {
    return fail(ErrorCode::kInvalidArgument, "with several files -o must be a folder");
  }
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"stt"}));
  std::optional<Error> first_error;
  for (const std::filesystem::path& file : options.files) {
    const Result<std::string> text = transcribe_file(context, options, *client, file);
    if (!text) {
      // The other files are still worth having.
      const Error error{text.error().code, file.string() + ": " + text.error().message};
      if (text.error().code == ErrorCode::kCancelled || options.files.size() == 1) return fail(error);
      report(context, error);
      if (!first_error) first_error = Error{error.code, "not every file could be transcribed"};
      continue;
    }
    if (options.output.empty()) {
      if (options.files.size() > 1) std::cout << bold(file.string()) << "\n";
      std::cout << *text << (text->ends_with("\n") ? "" : "\n") << std::flush;
      continue;
    }
    const std::filesystem::path target = std::filesystem::is_directory(options.output)
                                             ? options.output / (file.stem().string() + "." + options.format)
                                             : options.output;
    MORGAN_CHECK_OK(write_file_atomically(target, *text));
    std::cerr << target.string() << "\n";
  }
  if (first_error) return fail(*first_error);
  return {};
}

}  // namespace

void add_transcribe(CLI::App& root, Context& context) {
  const auto options = std::make_shared<TranscribeOptions>();
  CLI::App* command = root.add_subcommand("transcribe", "turn recordings into text, subtitles or JSON");
  command->add_option("files", options->files, "audio or video files")->required();
  command->add_option("-o,--output", options->output, "file, or folder for several");
  command->add_option("-f,--format", options->format, "txt, srt, vtt or json")
      ->check(CLI::IsMember({"txt", "srt", "vtt", "json"}));
  command->add_option("-l,--language", options->language, "language spoken, such as en or German (default: detected)");
  command->add_option("-p,--prompt", options->prompt, "names and spellings to expect");
  command->add_flag("-w,--words", options->words, "a time for every word (json)");
  command->add_flag("--translate", options->translate, "into English");
  command->callback([&context, options] {
    context.action = [&context, options] {
      const Result<void> done = transcribe(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
