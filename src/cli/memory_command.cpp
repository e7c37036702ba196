// morgan memory: what Morgan remembers of a user.
#include "base/file.h"
#include "cli/command.h"
#include "cli/morgan_client.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

struct MemoryOptions {
  std::string user;
  std::string text;
  std::string id;
  std::string query;
  std::string file;
  bool all = false;
};

/// Whoever answers, and whose memories are meant.
struct Asked {
  std::unique_ptr<MorganClient> client;
  std::string user;

  std::string memories() const { return client->address("core") + "/api/memories"; }
  std::string of_user() const { return memories() + "/" + net::url_encode(user); }
};

Result<Asked> connect(const Context& context, const MemoryOptions& options) {
  Asked asked;
  MORGAN_TRY(asked.client, MorganClient::connect(context, {"core"}));
  MORGAN_TRY(asked.user, asked.client->named_user(options.user, context.stop));
  return asked;
}

Result<std::string> ask(const Context& context, const MorganClient& client, net::Method method, const std::string& url,
                        const Json& body = nullptr) {
  net::ClientRequest request;
  request.method = method;
  request.url = url;
  if (!body.is_null()) {
    request.headers.emplace("Content-Type", "application/json");
    request.body = dump_json(body);
  }
  MORGAN_TRY(net::ClientResponse response, client.send(std::move(request), context.stop));
  return std::move(response.body);
}

void print(const Json& memory) {
  std::cout << fmt::format("{}  {}  {}\n", memory.value("id", ""), memory.value("created_at", "").substr(0, 10),
                           memory.value("text", ""));
}

Result<void> list(const Context& context, const MemoryOptions& options) {
  MORGAN_TRY(const Asked asked, connect(context, options));
  const std::string wanted = options.query.empty() ? "?limit=1000" : "?query=" + net::url_encode(options.query);
  MORGAN_TRY(const std::string body, ask(context, *asked.client, net::Method::kGet, asked.of_user() + wanted));
  if (context.json) {
    std::cout << body << "\n";
    return {};
  }
  MORGAN_TRY(const Json page, parse_json_object(body));
  for (const Json& memory : page.value("memories", Json::array()))
    print(memory);
  const long long shown = static_cast<long long>(page.value("memories", Json::array()).size());
  const long long total = page.value("total", shown);
  if (total > shown) std::cout << total - shown << " older ones: `morgan memory export` has all\n";
  if (shown == 0) std::cout << "Nothing is remembered of '" << asked.user << "'.\n";
  return {};
}

Result<void> add(const Context& context, const MemoryOptions& options) {
  MORGAN_TRY(const Asked asked, connect(context, options));
  MORGAN_TRY(const std::string body, ask(context, *asked.client, net::Method::kPost, asked.memories(),
                                         Json{{"user_id", asked.user}, {"text", options.text}}));
  if (context.json) {
    std::cout << body << "\n";
    return {};
  }
  MORGAN_TRY(const Json kept, parse_json_object(body));
  if (!kept.value("new", true)) std::cout << "This was known already:\n";
  print(kept.value("memory", Json::object()));
  return {};
}

Result<void> forget(const Context& context, const MemoryOptions& options) {
  if (options.id.empty() != options.all) {
    return fail(ErrorCode::kInvalidArgument, "name one memory (`morgan memory list` shows their ids), or say --all");
  }
  MORGAN_TRY(const Asked asked, connect(context, options));
  const std::string url = asked.of_user() + (options.all ? "" : "/" + net::url_encode(options.id));
  MORGAN_TRY(const std::string body, ask(context, *asked.client, net::Method::kDelete, url));
  if (context.json) {
    std::cout << body << "\n";
    return {};
  }
  MORGAN_TRY(const Json done, parse_json_object(body));
  std::cout << done.value("message", "") << ".\n";
  return {};
}

Result<void> export_all(const Context& context, const MemoryOptions& options) {
  MORGAN_TRY(const Asked asked, connect(context, options));
  MORGAN_TRY(const std::string body, ask(context, *asked.client, net::Method::kGet, asked.of_user() + "/export"));
  if (!options.file.empty()) return write_file_atomically(options.file, body);
  std::cout << body;
  return {};
}

using MemoryAction = Result<void> (*)(const Context&, const MemoryOptions&);

void run(CLI::App* command, Context& context, const std::shared_ptr<MemoryOptions>& options, MemoryAction action) {
  command->callback([&context, options, action] {
    context.action = [&context, options, action] {
      const Result<void> done = action(context, *options);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  });
}

}  // namespace

void add_memory(CLI::App& root, Context& context) {
  CLI::App* memory = root.add_subcommand("memory", "what Morgan remembers of a user: list, add, forget, export");
  memory->require_subcommand(1);
  const auto options = std::make_shared<MemoryOptions>();  // shared by the callbacks
  memory->add_option("-u,--user", options->user, "of whom (default: cli, who is you in `morgan chat`)");

  memory->fallthrough();  // -u also behind the subcommand, which inherits it
  CLI::App* list_command = memory->add_subcommand("list", "the newest first, or what fits a query best");
  list_command->add_option("query", options->query, "what it should be about");
  run(list_command, context, options, list);

  CLI::App* add_command = memory->add_subcommand("add", "remember a fact");
  add_command->add_option("text", options->text, "one sentence: \"My dog is called Rex.\"")->required();
  run(add_command, context, options, add);

  CLI::App* forget_command = memory->add_subcommand("forget", "forget one memory, or all");
  forget_command->add_option("id", options->id, "of the memory, as list shows it");
  forget_command->add_flag("--all", options->all, "everything that is remembered of this user");
  run(forget_command, context, options, forget);

  CLI::App* export_command = memory->add_subcommand("export", "all of it as JSON");
  export_command->add_option("file", options->file, "to write to; standard output when absent");
  run(export_command, context, options, export_all);
}

}  // namespace morgan::cli
