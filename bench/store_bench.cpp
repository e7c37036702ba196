// A turn's work in the store with a long history: store_bench [--messages N] [--turns N] FILE|postgresql://...
// The user has one conversation of N messages, N/1000 others have talked, too. A turn: store the question, read the
// window of the history, store the answer.
#include "stores/postgres/postgres_conversation_store.h"
#include "stores/sqlite/sqlite_conversation_store.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using morgan::stores::ConversationStore;
using morgan::stores::StoredMessage;

constexpr int kWindow = 21;  // dialogue.max_history_messages and the question

StoredMessage message(const char* role, long long number) {
  return {role, "Message " + std::to_string(number) + ": " + std::string(80, 'x'), "", 0, R"({"model":"m"})"};
}

void check(bool well, const std::string& what) {
  if (well) return;
  std::fprintf(stderr, "store_bench: %s\n", what.c_str());
  std::exit(1);
}

void fill(ConversationStore& store, const std::string& user, long long from, long long to) {
  constexpr long long kAtOnce = 1000;
  for (long long at = from; at < to;) {
    std::vector<StoredMessage> batch;
    for (; at < to && static_cast<long long>(batch.size()) < kAtOnce; ++at)
      batch.push_back(message(at % 2 == 0 ? "user" : "assistant", at));
    const auto stored = store.append(user, batch);
    check(stored.has_value(), stored ? "" : stored.error().message);
  }
}

double milliseconds(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void report(const char* what, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) { return values[static_cast<std::size_t>(share * double(values.size() - 1))]; };
  std::printf("%-14s p50 %6.2f ms   p99 %6.2f ms   longest %6.2f ms\n", what, at(0.5), at(0.99), values.back());
}

void measure(ConversationStore& store, int turns) {
  std::vector<double> question;
  std::vector<double> history;
  std::vector<double> answer;
  std::vector<double> turn;
  for (int i = 0; i < turns; ++i) {
    const auto begin = Clock::now();
    check(store.append("ann", {message("user", i)}).has_value(), "append failed");
    question.push_back(milliseconds(begin));
    const auto reading = Clock::now();
    const auto window = store.recent("ann", kWindow);
    check(window && window->size() == kWindow, "the window was not read");
    history.push_back(milliseconds(reading));
    const auto answering = Clock::now();
    check(store.append("ann", {message("assistant", i)}).has_value(), "append failed");
    answer.push_back(milliseconds(answering));
    turn.push_back(milliseconds(begin));
  }
  report("question", question);
  report("history", history);
  report("answer", answer);
  report("a turn", turn);
}

}  // namespace

int main(int count, char** arguments) {
  long long messages = 1'000'000;
  int turns = 1000;
  std::string where;
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    if (word == "--messages" && i + 1 < count) {
      messages = std::atoll(arguments[++i]);
    } else if (word == "--turns" && i + 1 < count) {
      turns = std::atoi(arguments[++i]);
    } else {
      where = word;
    }
  }
  check(!where.empty() && messages > 0 && turns > 0, "usage: [--messages N] [--turns N] FILE|postgresql://...");
  auto store = where.starts_with("postgresql://") ? morgan::stores::open_postgres_store({where, 4})
                                                  : morgan::stores::open_sqlite_store(where);
  check(store.has_value(), store ? "" : store.error().message);
  const auto known = (*store)->page("ann", 1, 0);
  check(known.has_value(), "the store cannot be read");
  const auto begin = Clock::now();
  if (known->total < messages) {
    fill(**store, "ann", known->total, messages);
    for (long long user = 0; user < messages / 1000; ++user)
      fill(**store, "user" + std::to_string(user), 0, 2);
  }
  std::printf("%s: %lld messages (%.1f s to fill), %d turns\n", (*store)->description().c_str(), messages,
              milliseconds(begin) / 1000, turns);
  measure(**store, turns);
  return 0;
}
