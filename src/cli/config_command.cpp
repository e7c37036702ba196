// morgan config: what is set, and from where; a file to begin with.
#include "base/file.h"
#include "base/json_util.h"
#include "cli/command.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

std::string shown(const app::ConfigKey& key, const app::AppConfig& config) {
  const std::string value = key.show(config);
  return key.secret && !value.empty() ? "(set)" : value;
}

Result<void> show_config(const Context& context) {
  MORGAN_TRY(const app::LoadedConfig loaded, app::load_config(context.config_file));
  OrderedJson all = OrderedJson::object();
  std::string section;
  for (const app::ConfigKey& key : app::config_keys()) {
    const std::string value = shown(key, loaded.config);
    if (context.json) {
      all[key.name] = {{"value", value},
                       {"origin", loaded.origin.at(key.name)},
                       {"variable", app::environment_name(key.name)},
                       {"help", key.help}};
      continue;
    }
    const std::string of_key = key.name.substr(0, key.name.find('.'));
    if (of_key != section) std::cout << (section.empty() ? "" : "\n") << bold("[" + of_key + "]") << "\n";
    section = of_key;
    const std::string& origin = loaded.origin.at(key.name);
    const std::string label = fmt::format("{:<31}", key.name);
    std::cout << (origin == "default" ? label : green(label)) << value << dim("  # " + key.help)
              << (origin == "default" ? "" : yellow("  <- " + origin)) << "\n";
  }
  if (context.json) std::cout << dump_json(all, 2) << "\n";
  if (!context.json) {
    std::cout << dim(fmt::format("\nfile: {}{}\n", loaded.file.string(),
                                 loaded.file_exists ? "" : " (not there; `morgan config init` makes it)"));
  }
  return {};
}

Result<void> init_config(const Context& context) {
  const std::filesystem::path file = context.config_file.empty() ? morgan_home() / "morgan.toml" : context.config_file;
  if (std::filesystem::exists(file))
    return fail(ErrorCode::kConflict, file.string() + " is there already; nothing was changed");
  std::error_code status;
  std::filesystem::create_directories(file.parent_path().empty() ? "." : file.parent_path(), status);
  MORGAN_CHECK_OK(write_file_atomically(file, app::config_template()));
  std::cout << file.string() << "\n";
  return {};
}

}  // namespace

void add_config(CLI::App& root, Context& context) {
  CLI::App* command = root.add_subcommand("config", "every setting, its value and where it came from");
  const auto set_action = [&context](Result<void> (*function)(const Context&)) {
    context.action = [&context, function] {
      const Result<void> done = function(context);
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  };
  command->callback([=, &context] {
    if (!context.action) set_action(show_config);
  });
  command->add_subcommand("show", "the same")->callback([=] { set_action(show_config); });
  command->add_subcommand("init", "write a file with every key and its default, commented out")->callback([=] {
    set_action(init_config);
  });
}

}  // namespace morgan::cli
