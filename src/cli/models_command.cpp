// morgan models: list, pull, verify, rm, import.
#include "base/file.h"
#include "base/json_util.h"
#include "base/strings.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "models/import/import.h"
#include "models/model_store.h"
#include "models/pull.h"

#include <fmt/format.h>

#include <iostream>

namespace morgan::cli {

namespace {

using models::Catalog;
using models::CatalogModel;
using models::ModelState;
using models::ModelStore;

/// The catalogue outlives the store that points to it.
struct OpenStore {
  Catalog catalog;
  ModelStore store{morgan_home(), catalog};
};

Result<std::unique_ptr<OpenStore>> open_store() {
  MORGAN_TRY(Catalog catalog, Catalog::with_user_file(morgan_home() / "catalog.toml"));
  return std::make_unique<OpenStore>(std::move(catalog));
}

std::string_view state_word(ModelState state) {
  switch (state) {
    case ModelState::kReady:
      return "ready";
    case ModelState::kIncomplete:
      return "incomplete";
    case ModelState::kMissing:
      return "-";
  }
  return "-";
}

Result<std::vector<const CatalogModel*>> chosen(const ModelStore& store, const std::vector<std::string>& names) {
  std::vector<const CatalogModel*> models;
  for (const std::string& name : names) {
    MORGAN_TRY(const CatalogModel* model, store.catalog().find(name));
    models.push_back(model);
  }
  if (names.empty()) {
    for (const CatalogModel& model : store.catalog().models()) {
      if (model.is_default) models.push_back(&model);
    }
  }
  return models;
}

Result<void> list_models(const Context& context) {
  MORGAN_TRY(const auto opened, open_store());
  const ModelStore& store = opened->store;
  OrderedJson all = OrderedJson::array();
  if (!context.json) {
    std::cout << bold(fmt::format("{:<20} {:<6} {:>8}  {:<10} {:<29} {}", "MODEL", "ROLE", "SIZE", "STATE", "LICENCE",
                                  "WHAT"))
              << "\n";
  }
  for (const CatalogModel& model : store.catalog().models()) {
    const std::string_view state = state_word(store.state(model));
    if (context.json) {
      all.push_back({{"id", model.id},
                     {"role", model.role},
                     {"bytes", model.size()},
                     {"state", state == "-" ? "missing" : state},
                     {"license", model.license},
                     {"license_url", model.license_url},
                     {"title", model.title},
                     {"default", model.is_default}});
      continue;
    }
    const std::string padded = fmt::format("{:<10}", state);
    std::cout << fmt::format("{:<20} {:<6} {:>8}  {} {:<29} {}{}\n", model.id, model.role, human_bytes(model.size()),
                             state == "ready"        ? green(padded)
                             : state == "incomplete" ? yellow(padded)
                                                     : dim(padded),
                             model.license, model.title, model.is_default ? dim("  (default)") : "");
  }
  if (context.json) std::cout << dump_json(all, 2) << "\n";
  if (!context.json)
    std::cout << dim("\nin " + store.home().string() + "/models; licences: morgan models list --json\n");
  return {};
}

Result<void> pull_models(const Context& context, const std::vector<std::string>& names, bool force) {
  MORGAN_TRY(const app::AppConfig config, context.config());
  MORGAN_TRY(const auto opened, open_store());
  const ModelStore& store = opened->store;
  MORGAN_TRY(const std::vector<const CatalogModel*> models, chosen(store, names));
  for (const CatalogModel* model : models) {
    if (!force && store.state(*model) == ModelState::kReady) {
      if (!names.empty() && !context.json) std::cout << model->id << " is here already\n";
      continue;
    }
    ProgressBar bar;
    models::PullOptions options;
    options.force = force;
    options.hub_endpoint = config.hub_endpoint;
    options.on_progress = [&bar](const models::PullProgress& progress) {
      bar.update(progress.model + ": " + progress.step, progress.done, progress.total, true);
    };
    MORGAN_CHECK_OK(models::pull(store, *model, options, context.stop));
    bar.finish();
    if (!context.json) {
      std::cout << green("ready")
                << fmt::format(" {:<20} {:>8}  {}", model->id, human_bytes(model->size()), model->license) << std::endl;
    }
  }
  return {};
}

Result<void> verify_models(const Context& context, const std::vector<std::string>& names) {
  MORGAN_TRY(const auto opened, open_store());
  const ModelStore& store = opened->store;
  std::vector<const CatalogModel*> models;
  if (names.empty()) {
    for (const CatalogModel& model : store.catalog().models()) {
      if (store.state(model) != ModelState::kMissing) models.push_back(&model);
    }
    if (models.empty())
      return fail(ErrorCode::kNotFound, "no model is here yet; `morgan models pull` fetches the default ones");
  } else {
    MORGAN_TRY(models, chosen(store, names));
  }
  std::optional<Error> first;
  for (const CatalogModel* model : models) {
    const Result<void> whole = store.verify(*model);
    if (!context.json)
      std::cout << (whole ? green("ok  ") : red("bad ")) << model->id << (whole ? "" : ": " + whole.error().message)
                << "\n";
    if (!whole && !first) first = whole.error();
  }
  if (first) return fail(first->code, first->message + "; `morgan models pull --force <model>` fetches it again");
  return {};
}

Result<void> remove_models(const Context& context, const std::vector<std::string>& names) {
  MORGAN_TRY(const auto opened, open_store());
  const ModelStore& store = opened->store;
  MORGAN_TRY(const std::vector<const CatalogModel*> models, chosen(store, names));
  for (const CatalogModel* model : models) {
    if (store.state(*model) == ModelState::kMissing) return fail(ErrorCode::kNotFound, model->id + " is not here");
    MORGAN_CHECK_OK(store.remove(*model));
    if (!context.json) std::cout << "removed " << model->id << " (" << human_bytes(model->size()) << ")\n";
  }
  return {};
}

struct ImportOptions {
  std::filesystem::path folder;
  std::filesystem::path output;
  bool full_precision = false;
};

Result<void> import_model(const Context& context, const ImportOptions& options) {
  namespace fs = std::filesystem;
  const bool bert = fs::exists(options.folder / "model.safetensors");
  const bool whisper = fs::exists(options.folder / "model.bin");
  if (!bert && !whisper) {
    return fail(ErrorCode::kNotFound,
                options.folder.string() +
                    " holds neither model.bin (faster-whisper) nor model.safetensors (all-MiniLM). In a "
                    "Hugging Face cache give the folder under snapshots/.");
  }
  ProgressBar bar;
  const models::ImportProgress progress = [&bar](double fraction) {
    bar.update("importing", static_cast<std::uint64_t>(fraction * 1000), 1000, false);
  };
  if (bert) {
    MORGAN_CHECK_OK(models::import_minilm(options.folder, options.output, progress));
  } else {
    MORGAN_CHECK_OK(models::import_faster_whisper(options.folder, options.output, !options.full_precision, progress));
  }
  bar.finish();
  if (!context.json) {
    std::cout << options.output.string() << ": " << human_bytes(fs::file_size(options.output)) << "\nUse it with "
              << (bert ? "embed.model" : "stt.model") << " = \"" << fs::absolute(options.output).string()
              << "\" in the configuration.\n";
  }
  return {};
}

}  // namespace

void add_models(CLI::App& root, Context& context) {
  CLI::App* command = root.add_subcommand("models", "what Morgan listens, thinks and speaks with");
  command->require_subcommand(1);
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto force = std::make_shared<bool>(false);
  const auto import_options = std::make_shared<ImportOptions>();
  const auto run = [&context](std::function<Result<void>()> function) {
    context.action = [&context, function = std::move(function)] {
      const Result<void> done = function();
      return done ? static_cast<int>(kExitOk) : report(context, done.error());
    };
  };

  command->add_subcommand("list", "every model, its size, licence and whether it is here")->callback([=, &context] {
    run([&context] { return list_models(context); });
  });
  CLI::App* pull = command->add_subcommand("pull", "fetch models (default: all that are needed)");
  pull->add_option("names", *names, "models, as `morgan models list` names them");
  pull->add_flag("--force", *force, "fetch again what is here");
  pull->callback([=, &context] { run([=, &context] { return pull_models(context, *names, *force); }); });
  CLI::App* verify = command->add_subcommand("verify", "check the files against their sha256");
  verify->add_option("names", *names, "models (default: all that are here)");
  verify->callback([=, &context] { run([=, &context] { return verify_models(context, *names); }); });
  CLI::App* remove = command->add_subcommand("rm", "delete models");
  remove->add_option("names", *names, "models")->required();
  remove->callback([=, &context] { run([=, &context] { return remove_models(context, *names); }); });
  CLI::App* import = command->add_subcommand("import", "convert a faster-whisper or all-MiniLM folder for Morgan");
  import->add_option("folder", import_options->folder, "the folder")->required()->check(CLI::ExistingDirectory);
  import->add_option("-o,--output", import_options->output, "file to write")->required();
  import->add_flag("--f16", import_options->full_precision, "Whisper: keep 16 bits instead of q8_0");
  import->callback([=, &context] { run([=, &context] { return import_model(context, *import_options); }); });
}

}  // namespace morgan::cli
