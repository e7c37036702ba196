// morgan chat: a written conversation at the terminal.
#include "base/strings.h"
#include "cli/command.h"
#include "cli/morgan_client.h"
#include "cli/terminal.h"

#include <unistd.h>

#include <iostream>

namespace morgan::cli {

namespace {

struct ChatOptions {
  std::string user;
  std::string message;
};

Json user_json(const MorganClient& client, const ChatOptions& options) {
  const auto user = client.user(options.user);
  return user ? Json(*user) : Json(nullptr);
}

Result<void> answer_one(const Context& context, const ChatOptions& options, const MorganClient& client,
                        const std::string& text) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.url = client.address("core") + "/api/text";
  request.headers.emplace("Content-Type", "application/json");
  request.body = dump_json(Json{{"text", text}, {"user_id", user_json(client, options)}});
  if (context.json) {
    MORGAN_TRY(const net::ClientResponse response, client.send(std::move(request), context.stop));
    std::cout << response.body << "\n" << std::flush;
    return {};
  }
  MORGAN_CHECK_OK(client.stream(
      std::move(request),
      [](std::string_view event, const Json& data) {
        if (event == "text") std::cout << data.value("delta", "") << std::flush;
        return true;
      },
      context.stop));
  std::cout << "\n" << std::flush;
  return {};
}

Result<void> forget(const Context& context, const ChatOptions& options, const MorganClient& client) {
  net::ClientRequest request;
  request.method = net::Method::kPost;
  request.url = client.address("core") + "/api/conversation/reset";
  request.headers.emplace("Content-Type", "application/json");
  request.body = dump_json(Json{{"user_id", user_json(client, options)}});
  MORGAN_TRY(const net::ClientResponse response, client.send(std::move(request), context.stop));
  return {};
}

Result<void> chat(const Context& context, const ChatOptions& options) {
  MORGAN_TRY(const std::unique_ptr<MorganClient> client, MorganClient::connect(context, {"core"}));
  if (!options.message.empty()) return answer_one(context, options, *client, options.message);
  const bool person = is_terminal(STDIN_FILENO);
  if (person) std::cout << dim("Write to Morgan. /reset begins anew, /quit or Ctrl-D ends.") << "\n";
  std::string line;
  while (!context.stop.stop_requested()) {
    if (person) std::cout << bold("> ") << std::flush;
    if (!std::getline(std::cin, line)) break;
    const std::string text(trim(line));
    if (text == "/quit" || text == "/exit") break;
    if (text.empty()) continue;
    if (text == "/reset") {
      MORGAN_CHECK_OK(forget(context, options, *client));
      std::cout << dim("A new conversation.") << "\n";
      continue;
    }
    const Result<void> answered = answer_one(context, options, *client, text);
    if (!answered && !person) return answered;
    if (!answered) report(context, answered.error());
  }
  if (person) std::cout << "\n";
  return {};
}

}  // namespace

void add_chat(CLI::App& root, Context& context) {
  const auto options = std::make_shared<ChatOptions>();
  CLI::App* command = root.add_subcommand("chat", "write with Morgan at the terminal");
  command->add_option("-u,--user", options->user,
                      "whose conversation this is (default: cli, or the user of client.api_key)");
  command->add_option("-m,--message", options->message, "one message instead of a conversation");
  command->callback([&context, options] {
    context.action = [&context, options] {
      const Result<void> done = chat(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace morgan::cli
