// Notes, and lists of things (shopping, to-do), kept in the item store.
#include "base/ids.h"
#include "base/strings.h"
#include "tools/builtin_tools.h"
#include "tools/schema.h"
#include "tools/spoken_form.h"

#include <algorithm>

namespace morgan::tools {

namespace {

using stores::ItemStore;
using stores::StoredItem;

const std::string kNote = "note";
const std::string kList = "list";
constexpr std::size_t kMostSpokenNotes = 5;
constexpr std::size_t kMostSpokenItems = 25;

std::function<void()> removal(ItemStore& store, std::string kind, std::vector<std::string> ids) {
  return [&store, kind = std::move(kind), ids = std::move(ids)] {
    static_cast<void>(store.remove(kind, ids).has_value());
  };
}

std::function<void()> return_of(ItemStore& store, std::vector<StoredItem> items) {
  return [&store, items = std::move(items)] { static_cast<void>(store.put(items).has_value()); };
}

/// Words of `wanted` that are in `text`, as a share of all.
bool is_about(const std::string& text, const std::string& wanted) {
  const std::string lower = to_lower_ascii(text);
  std::size_t words = 0;
  std::size_t found = 0;
  for (const std::string& word : split(to_lower_ascii(wanted), ' ')) {
    if (word.size() < 3 || word == "the") continue;
    ++words;
    if (lower.find(word) != std::string::npos) ++found;
  }
  return words > 0 && found * 2 > words;
}

// --- Notes ---------------------------------------------------------------------------------------------------------

Result<ToolResult> add_note(const Json& arguments, const ToolContext& context, ItemStore& store) {
  const StoredItem note{kNote, random_id("note_"), context.user_id,
                        dump_json(Json{{"text", arguments.value("text", std::string())}}), ""};
  MORGAN_CHECK_OK(store.put({note}));
  return ToolResult{"I made a note.", Json{{"id", note.id}}, removal(store, kNote, {note.id})};
}

Result<ToolResult> list_notes(const Json& arguments, const ToolContext& context, ItemStore& store) {
  MORGAN_TRY(const auto notes, store.list(kNote, context.user_id));
  const std::string about = arguments.value("about", std::string());
  Json data = Json::array();
  std::vector<std::string> texts;
  for (const StoredItem& note : notes) {
    const std::string text = kept_text(note);
    if (!about.empty() && !is_about(text, about)) continue;
    data.push_back({{"id", note.id}, {"text", text}, {"created_at", note.created_at}});
    texts.push_back(text);
  }
  std::string spoken = about.empty() ? "There are no notes." : "There is no note about that.";
  if (!texts.empty()) {
    // The newest, oldest of them first.
    const std::size_t first = texts.size() > kMostSpokenNotes ? texts.size() - kMostSpokenNotes : 0;
    spoken = texts.size() == 1 ? "Your note: " : "You have " + std::to_string(texts.size()) + " notes. ";
    if (first > 0) spoken += "The last five: ";
    for (std::size_t i = first; i < texts.size(); ++i)
      spoken += sentence(to_second_person(texts[i])) + ". ";
    spoken = trim(spoken);
  }
  return ToolResult{spoken, Json{{"notes", std::move(data)}}};
}

Result<ToolResult> delete_notes(const Json& arguments, const ToolContext& context, ItemStore& store) {
  MORGAN_TRY(const auto notes, store.list(kNote, context.user_id));
  const std::string about = arguments.value("about", std::string());
  const bool all = arguments.value("all", false);
  std::vector<StoredItem> gone;
  std::vector<std::string> ids;
  for (const StoredItem& note : notes) {
    if (!all && (about.empty() || !is_about(kept_text(note), about))) continue;
    gone.push_back(note);
    ids.push_back(note.id);
  }
  if (ids.empty()) return ToolResult{"I found no such note.", Json{{"deleted", 0}}};
  MORGAN_CHECK_OK(store.remove(kNote, ids));
  return ToolResult{ids.size() == 1 ? "The note is deleted." : std::to_string(ids.size()) + " notes are deleted.",
                    Json{{"deleted", ids.size()}}, return_of(store, std::move(gone))};
}

// --- Lists ---------------------------------------------------------------------------------------------------------

std::string list_name(const Json& arguments) {
  std::string name = to_lower_ascii(trim(arguments.value("list", std::string())));
  for (const std::string_view prefix : {"my ", "the ", "our "}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  if (name.size() > 5 && name.ends_with(" list")) name.resize(name.size() - 5);
  if (name == "todo" || name == "to do") return "to-do";
  if (name.empty() || name == "list" || name == "grocery" || name == "groceries") return "shopping";
  return name;
}

Result<std::vector<StoredItem>> entries(ItemStore& store, const std::string& user_id, const std::string& list) {
  MORGAN_TRY(std::vector<StoredItem> items, store.list(kList, user_id));
  std::erase_if(items, [&](const StoredItem& item) { return kept_text(item, "list") != list; });
  return items;
}

std::vector<std::string> items_of(const Json& arguments) {
  std::vector<std::string> items;
  for (const Json& item : arguments.value("items", Json::array())) {
    if (item.is_string() && !trim(item.get<std::string>()).empty()) items.emplace_back(trim(item.get<std::string>()));
  }
  return items;
}

Result<ToolResult> add_to_list(const Json& arguments, const ToolContext& context, ItemStore& store) {
  const std::string list = list_name(arguments);
  MORGAN_TRY(const auto present, entries(store, context.user_id, list));
  std::vector<StoredItem> added;
  std::vector<std::string> ids;
  std::vector<std::string> names;
  std::vector<std::string> known;
  for (const std::string& item : items_of(arguments)) {
    const auto same = [&](const StoredItem& entry) { return equals_ignore_case(kept_text(entry), item); };
    if (std::any_of(present.begin(), present.end(), same)) {
      known.push_back(item);
      continue;
    }
    ids.push_back(random_id("entry_"));
    names.push_back(item);
    added.push_back({kList, ids.back(), context.user_id, dump_json(Json{{"list", list}, {"text", item}}), ""});
  }
  if (!added.empty()) MORGAN_CHECK_OK(store.put(added));
  std::string spoken;
  if (!names.empty()) spoken = "I put " + list_words(names) + " on the " + list + " list.";
  if (!known.empty()) {
    const bool one = known.size() == 1;
    spoken += (spoken.empty() ? "" : " ") + sentence(list_words(known)) + (one ? " is" : " are") +
              (names.empty() ? " on the " + list + " list" : "") + " already" + (names.empty() ? "." : " there.");
  }
  return ToolResult{spoken, Json{{"list", list}, {"added", names}}, removal(store, kList, std::move(ids))};
}

Result<ToolResult> show_list(const Json& arguments, const ToolContext& context, ItemStore& store) {
  const std::string list = list_name(arguments);
  MORGAN_TRY(const auto present, entries(store, context.user_id, list));
  std::vector<std::string> names;
  for (const StoredItem& entry : present)
    names.push_back(kept_text(entry));
  Json data{{"list", list}, {"items", names}};
  if (names.empty()) return ToolResult{"The " + list + " list is empty.", std::move(data)};
  const std::size_t all = names.size();
  if (all > kMostSpokenItems) names.resize(kMostSpokenItems);
  std::string spoken = "On the " + list + " list: " + list_words(names) + ".";
  if (all > names.size()) spoken += " And " + std::to_string(all - names.size()) + " more.";
  return ToolResult{spoken, std::move(data)};
}

Result<ToolResult> remove_from_list(const Json& arguments, const ToolContext& context, ItemStore& store) {
  const std::string list = list_name(arguments);
  MORGAN_TRY(const auto present, entries(store, context.user_id, list));
  std::vector<StoredItem> gone;
  std::vector<std::string> ids;
  std::vector<std::string> names;
  for (const std::string& item : items_of(arguments)) {
    for (const StoredItem& entry : present) {
      const std::string text = kept_text(entry);
      if (!equals_ignore_case(text, item) && !is_about(text, item)) continue;
      gone.push_back(entry);
      ids.push_back(entry.id);
      names.push_back(text);
    }
  }
  if (ids.empty()) return ToolResult{"That is not on the " + list + " list.", Json{{"list", list}, {"removed", names}}};
  MORGAN_CHECK_OK(store.remove(kList, ids));
  return ToolResult{"I took " + list_words(names) + " off the " + list + " list.",
                    Json{{"list", list}, {"removed", names}}, return_of(store, std::move(gone))};
}

Result<ToolResult> clear_list(const Json& arguments, const ToolContext& context, ItemStore& store) {
  const std::string list = list_name(arguments);
  MORGAN_TRY(auto present, entries(store, context.user_id, list));
  std::vector<std::string> ids;
  for (const StoredItem& entry : present)
    ids.push_back(entry.id);
  if (ids.empty()) return ToolResult{"The " + list + " list is empty already.", Json{{"list", list}, {"removed", 0}}};
  MORGAN_CHECK_OK(store.remove(kList, ids));
  return ToolResult{"The " + list + " list is empty now.", Json{{"list", list}, {"removed", ids.size()}},
                    return_of(store, std::move(present))};
}

/// "my groceries" as the list that it is.
Json settle_list(Json arguments, const ToolContext&) {
  if (arguments.is_object() && (!arguments.contains("list") || arguments["list"].is_string()))
    arguments["list"] = list_name(arguments);
  return arguments;
}

using Action = Result<ToolResult> (*)(const Json&, const ToolContext&, ItemStore&);

Result<void> add(ToolRegistry& registry, ItemStore& store, std::string name, std::string description, Json parameters,
                 Effect effect, std::vector<std::string> cues, Action action) {
  Tool tool;
  tool.name = std::move(name);
  tool.description = std::move(description);
  tool.parameters = std::move(parameters);
  tool.effect = effect;
  tool.cues = std::move(cues);
  if (tool.parameters["properties"].contains("list")) tool.settle = settle_list;
  tool.call = [&store, action](const Json& arguments, const ToolContext& context) {
    return action(arguments, context, store);
  };
  return registry.add(std::move(tool));
}

}  // namespace

std::string kept_text(const StoredItem& item, const char* field) {
  const auto body = parse_json_object(item.body);
  if (!body) return "";
  const auto text = json_string(*body, field);
  return text && *text ? **text : "";
}

Result<void> add_note_tools(ToolRegistry& registry, const BuiltinParts& parts) {
  ItemStore& store = *parts.items;
  const std::vector<std::string> notes{"note", "notes", "noted", "write down", "write this down", "jot down"};
  const Json about = text_schema("words of the note", 200);
  MORGAN_CHECK_OK(add(registry, store, "note_add", "Keeps a note.",
                      object_schema({{"text", text_schema("the note", 2'000)}}, {"text"}), Effect::kKeeps, notes,
                      add_note));
  MORGAN_CHECK_OK(add(registry, store, "note_list", "Reads the notes, all or those about something.",
                      object_schema({{"about", about}}), Effect::kReads, notes, list_notes));
  MORGAN_CHECK_OK(add(registry, store, "note_delete", "Deletes a note, or all of them.",
                      object_schema({{"about", about}, {"all", {{"type", "boolean"}, {"description", "all notes"}}}}),
                      Effect::kKeeps, notes, delete_notes));

  const std::vector<std::string> lists{"list", "lists", "to buy"};
  const Json list = text_schema("shopping, to-do or another name; shopping when none is said", 60);
  const Json items{{"type", "array"},
                   {"minItems", 1},
                   {"maxItems", 50},
                   {"items", text_schema("one thing", 200)},
                   {"description", "the things"}};
  MORGAN_CHECK_OK(add(registry, store, "list_add", "Puts things on a list.",
                      object_schema({{"list", list}, {"items", items}}, {"items"}), Effect::kKeeps, lists,
                      add_to_list));
  MORGAN_CHECK_OK(add(registry, store, "list_show", "Reads what is on a list.", object_schema({{"list", list}}),
                      Effect::kReads, lists, show_list));
  MORGAN_CHECK_OK(add(registry, store, "list_remove", "Takes things off a list.",
                      object_schema({{"list", list}, {"items", items}}, {"items"}), Effect::kKeeps, lists,
                      remove_from_list));
  return add(registry, store, "list_clear", "Takes everything off a list.", object_schema({{"list", list}}),
             Effect::kKeeps, lists, clear_list);
}

Result<void> add_builtin_tools(ToolRegistry& registry, const BuiltinParts& parts) {
  MORGAN_CHECK_OK(add_clock_tools(registry, parts));
  MORGAN_CHECK_OK(add_number_tools(registry));
  MORGAN_CHECK_OK(add_timer_tools(registry, parts));
  return add_note_tools(registry, parts);
}

}  // namespace morgan::tools
