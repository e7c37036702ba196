// morgan completion: shell completion, generated from the command tree itself.
#include "cli/command.h"
#include "cli/terminal.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

/// Words that may follow "morgan <path>": subcommands and long options.
std::string words_of(const CLI::App& app) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    words += sub->get_name() + " ";
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames())
      words += "--" + name + " ";
  }
  return words;
}

void append_cases(const CLI::App& app, const std::string& path, std::string& cases) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string below = path.empty() ? sub->get_name() : path + " " + sub->get_name();
    append_cases(*sub, below, cases);
    std::string words = words_of(*sub);
    if (sub->get_name() == "serve") words += "core llm tts stt vad all ";
    cases += fmt::format("    \"{}\"*) words=\"{}\" ;;\n", below, words);
  }
}

std::string bash_script(const CLI::App& root) {
  std::string cases;
  append_cases(root, "", cases);
  return "_morgan() {\n"
         "  local words line=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\" current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
         "  case \"$line\" in\n" +
         cases + "    *) words=\"" + words_of(root) +
         "\" ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "}\n"
         "complete -o filenames -F _morgan morgan\n";
}

std::string fish_script(const CLI::App& root) {
  std::string script;
  for (const CLI::App* sub : root.get_subcommands([](const CLI::App*) { return true; })) {
    script += fmt::format("complete -c morgan -n __fish_use_subcommand -a {} -d '{}'\n", sub->get_name(),
                          sub->get_description());
    for (const CLI::App* below : sub->get_subcommands([](const CLI::App*) { return true; })) {
      script += fmt::format("complete -c morgan -n '__fish_seen_subcommand_from {}' -a {} -d '{}'\n", sub->get_name(),
                            below->get_name(), below->get_description());
    }
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        script += fmt::format("complete -c morgan -n '__fish_seen_subcommand_from {}' -l {}\n", sub->get_name(), name);
      }
    }
  }
  return script;
}

}  // namespace

void add_completion(CLI::App& root, Context& context) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command = root.add_subcommand("completion", "shell completion: eval \"$(morgan completion bash)\"");
  command->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([&root, &context, shell] {
    context.action = [&root, shell] {
      if (*shell == "zsh") std::cout << "autoload -U +X bashcompinit && bashcompinit\n";
      std::cout << (*shell == "fish" ? fish_script(root) : bash_script(root));
      return static_cast<int>(kExitOk);
    };
  });
}

}  // namespace morgan::cli
