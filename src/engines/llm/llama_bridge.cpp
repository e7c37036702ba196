// Drives llama.cpp's server_context as its own HTTP handlers do, with two differences: a stop is seen
// within some milliseconds (the handlers look once a second, and only when no slot has a result), and
// a cancelled call returns after its slot is free.
#include "engines/llm/llama_bridge.h"

#include "engines/embed/llama_runtime.h"

#include <server-common.h>
#include <server-context.h>
#include <server-queue.h>
#include <server-schema.h>
#include <server-task.h>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace morgan::engines {

namespace {

constexpr std::chrono::milliseconds kStopPoll{5};
// Prompts are taken in pieces of this size: only between two pieces is a cancel obeyed (the server code
// cannot take an aborted piece: it halves it until an assertion fails), and do other slots get tokens.
// 128 tokens take 8 % longer than 512 at once, 256 take 3 %.
constexpr int kPromptBatchTokens = 256;
// Prompts of conversations that lost their slot to another one are kept here.
constexpr int kPromptCacheMib = 64;
constexpr int kContextCheckpoints = 4;
constexpr int kStatusInvalid = 400;
constexpr int kStatusInternal = 500;
constexpr int kLogNothing = -1;
constexpr int kAllLayers = -2;
constexpr const char* kDoneEvent = "data: [DONE]\n\n";

common_params to_params(const BridgeOptions& options) {
  common_params params;
  params.model.path = options.model_path;
  params.model_alias = {options.model_name};
  params.n_parallel = options.slots;
  // One stream of cells per slot: a slot never waits for another's cells and attends only to its own.
  params.kv_unified = false;
  params.n_ctx = options.context_tokens * options.slots;
  params.n_predict = options.context_tokens;
  params.n_batch = kPromptBatchTokens;
  params.n_ubatch = kPromptBatchTokens;
  params.cpuparams.n_threads = options.threads;
  params.cpuparams_batch.n_threads = options.threads;
  params.n_gpu_layers = options.gpu ? kAllLayers : 0;
  params.fit_params = false;  // would read the model twice
  params.warmup = false;      // load() runs a real request instead
  params.cont_batching = true;
  params.load_mode = LLAMA_LOAD_MODE_MMAP;
  params.cache_ram_mib = kPromptCacheMib;
  params.cache_idle_slots = false;
  params.n_ctx_checkpoints = kContextCheckpoints;
  params.endpoint_slots = false;
  params.ui = false;
  return params;
}

/// A call in progress, as the watcher sees it.
struct Running {
  int task_id = -1;
  const StopToken* stop = nullptr;
  std::atomic<bool> interrupted = false;
};

// While the model writes, a voice speaks what was written and a listener waits for words: both are short and late at
// once, so the model's threads (its OpenMP workers are made by this one) give way to them. Alone, they lose nothing.
void yield_to_others() {
  constexpr int kNiceness = 5;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNiceness));
}

BridgeReply refusal(int status, std::string type, std::string message) {
  BridgeReply reply;
  reply.status = status;
  reply.error_type = std::move(type);
  reply.error_message = std::move(message);
  return reply;
}

BridgeReply refusal(const json& error) {
  return refusal(json_value(error, "code", kStatusInternal), json_value(error, "type", std::string("server_error")),
                 json_value(error, "message", std::string("the model failed")));
}

// With tool_choice "required" the server's grammar still lets any text come before the call, and small
// models then never come to call: the optional text is taken out of its root rule.
void require_tool_call(const json& parsed, json& request) {
  constexpr std::string_view kRoot = "root ::= ";
  constexpr std::string_view kText = "until-";
  constexpr std::string_view kOptional = "? ";
  if (json_value(parsed, "tool_choice", std::string()) != "required") return;
  std::string grammar = json_value(request, "grammar", std::string());
  const std::size_t root = grammar.find(kRoot);
  if (root == std::string::npos) return;
  const std::size_t end = std::min(grammar.find('\n', root), grammar.size());
  const std::size_t text = grammar.find(kText, root);
  const std::size_t optional = grammar.find(kOptional, text);
  if (text >= end || optional >= end || grammar.find(' ', text) < optional) return;
  grammar.erase(text, optional + kOptional.size() - text);
  request["grammar"] = grammar;
}

// The grammar of templates that mark each call repeats them, whatever parallel_tool_calls says.
void allow_one_call(const json& parsed, json& request) {
  constexpr std::string_view kCalls = "\ntool-calls ::= ";
  if (json_value(parsed, "parallel_tool_calls", true)) return;
  std::string grammar = json_value(request, "grammar", std::string());
  const std::size_t rule = grammar.find(kCalls);
  if (rule == std::string::npos) return;
  const std::size_t end = std::min(grammar.find('\n', rule + 1), grammar.size());
  if (grammar[end - 1] != '+') return;
  grammar.erase(end - 1, 1);
  request["grammar"] = grammar;
}

}  // namespace

struct LlamaBridge::State {
  explicit State(const BridgeOptions& options) : params(to_params(options)) {}

  common_params params;
  server_context context;
  std::unique_ptr<server_context_meta> meta;
  const llama_vocab* vocab = nullptr;
  BridgeModel model;

  std::mutex mutex;
  std::condition_variable changed;
  std::list<Running*> running;  // guarded by mutex; each belongs to the call that is running
  int inside = 0;               // guarded by mutex; calls that may touch `context`
  bool watching = true;         // guarded by mutex
  std::atomic<bool> closing = false;
  std::thread loop;
  std::thread watcher;

  Result<void> load();
  Result<void> start();
  void finish();
  void watch();
  void wake(int task_id);
  bool enter();
  void leave();
  void wait_for_release();
  std::vector<server_task> make_tasks(const json& request, server_response_reader& reader) const;
  Result<BridgeReply> drive(server_response_reader& reader, Running& call, bool stream,
                            const std::function<bool(std::string_view)>& on_events);
};

Result<void> LlamaBridge::State::load() {
  const auto corrupt = [this](const std::string& why) {
    return fail(ErrorCode::kCorrupt, params.model.path + " is damaged or not a language model in GGUF form (" + why +
                                         "); `morgan models verify` checks it");
  };
  try {
    take_llama_error();
    if (!context.load_model(params)) return corrupt(take_llama_error());
    meta = std::make_unique<server_context_meta>(context.get_meta());
  } catch (const std::exception& e) {
    return corrupt(e.what());
  }
  vocab = llama_model_get_vocab(llama_get_model(context.get_llama_context()));
  model.slot_context_tokens = meta->slot_n_ctx;
  model.quantization = meta->model_ftype;
  model.parameters = meta->model_n_params;
  model.bytes = meta->model_size;
  return {};
}

// Loading already computes something, and every thread that computes keeps OpenMP workers of its own:
// with more of them than processors libgomp waits by sleeping, which costs a third of the speed. So the
// loop's thread loads too.
Result<void> LlamaBridge::State::start() {
  std::promise<Result<void>> promise;
  std::future<Result<void>> loaded = promise.get_future();
  loop = std::thread([this, answer = std::move(promise)]() mutable {
    yield_to_others();
    Result<void> result = load();
    const bool usable = result.has_value();
    answer.set_value(std::move(result));
    if (usable) context.start_loop();
  });
  MORGAN_CHECK_OK(loaded.get());
  watcher = std::thread([this] { watch(); });
  return {};
}

void LlamaBridge::State::finish() {
  closing = true;
  {
    std::unique_lock lock(mutex);
    changed.notify_all();
    changed.wait(lock, [this] { return inside == 0; });
    watching = false;
    changed.notify_all();
  }
  if (watcher.joinable()) watcher.join();
  context.terminate();
  if (loop.joinable()) loop.join();
}

void LlamaBridge::State::watch() {
  std::unique_lock lock(mutex);
  while (watching) {
    if (running.empty()) {
      changed.wait(lock, [this] { return !watching || !running.empty(); });
    } else {
      changed.wait_for(lock, kStopPoll);
    }
    for (Running* call : running) {
      if (!call->interrupted && (closing || call->stop->stop_requested())) {
        call->interrupted = true;
        wake(call->task_id);
      }
    }
  }
}

// A waiting reader sleeps until a result with its id arrives, so that is what it gets.
void LlamaBridge::State::wake(int task_id) {
  auto result = std::make_unique<server_task_result_error>();
  result->id = task_id;
  result->err_msg = "interrupted";
  server_response_reader reader = context.get_response_reader();
  reader.queue_results.send(std::move(result));
}

bool LlamaBridge::State::enter() {
  const std::scoped_lock lock(mutex);
  if (closing) return false;
  ++inside;
  return true;
}

void LlamaBridge::State::leave() {
  const std::scoped_lock lock(mutex);
  --inside;
  changed.notify_all();
}

// The loop takes its tasks in order: once this one is answered, the cancel before it has been obeyed.
void LlamaBridge::State::wait_for_release() {
  if (closing) return;
  server_response_reader reader = context.get_response_reader();
  server_task task(SERVER_TASK_TYPE_CONTROL);
  task.id = reader.get_new_id();
  reader.post_task(std::move(task));
  reader.next([this] { return closing.load(); });
}

// As llama.cpp's handler for /v1/chat/completions prepares its tasks.
std::vector<server_task> LlamaBridge::State::make_tasks(const json& request, server_response_reader& reader) const {
  const std::string prompt = request.at("prompt").get<std::string>();
  common_chat_msg_delimiters delimiters =
      common_chat_msg_delimiters_parse(json_value(request, "message_delimiters", json::array()));
  delimiters.tokenize(vocab);

  server_task task(SERVER_TASK_TYPE_COMPLETION);
  task.id = reader.get_new_id();
  task.tokens = server_tokens(common_tokenize(vocab, prompt, true, true), false);
  task.params = server_schema::eval_llama_cmpl_schema(vocab, params, meta->logit_bias_eog, request);
  task.params.message_spans = task.tokens.find_message_spans(delimiters);
  task.params.res_type = TASK_RESPONSE_TYPE_OAI_CHAT;
  task.params.oaicompat_cmpl_id = gen_chatcmplid();
  task.params.oaicompat_model = meta->model_name;
  for (int choice = 1; choice < task.params.n_cmpl; ++choice)
    task.add_child(task.id, reader.get_new_id());

  std::vector<server_task> tasks;
  tasks.push_back(std::move(task));
  return tasks;
}

Result<BridgeReply> LlamaBridge::State::drive(server_response_reader& reader, Running& call, bool stream,
                                              const std::function<bool(std::string_view)>& on_events) {
  const auto interrupted = [&]() -> Failure {
    reader.stop();
    wait_for_release();
    if (call.stop->stop_requested()) return fail(call.stop->error());
    if (closing) return fail(ErrorCode::kUnavailable, "the language model is being unloaded");
    return fail(ErrorCode::kCancelled, "the receiver of the answer cancelled it");
  };

  BridgeReply reply;
  std::vector<json> choices(reader.id_tasks.size());
  while (reader.has_next()) {
    const server_task_result_ptr result = reader.next([&call] { return call.interrupted.load(); });
    if (call.interrupted || result == nullptr) return interrupted();
    json piece = result->to_json();
    if (result->is_error()) {
      BridgeReply refused = refusal(piece);
      refused.streamed = reply.streamed;
      return refused;
    }
    if (!stream) {
      choices.at(result->index) = std::move(piece);
      continue;
    }
    // Null and an empty list stand for progress without anything to say.
    const std::string events = piece.is_null() ? std::string() : format_oai_sse(piece);
    if (events.empty()) continue;
    reply.streamed = true;
    if (!on_events(events)) return interrupted();
  }
  if (stream) {
    reply.streamed = true;
    if (!on_events(kDoneEvent)) return interrupted();
    return reply;
  }
  json& all = choices.front();
  for (std::size_t i = 1; i < choices.size(); ++i)
    all["choices"].push_back(choices[i].at("choices").at(0));
  reply.body = safe_json_to_str(all);
  return reply;
}

LlamaBridge::LlamaBridge(std::unique_ptr<State> state) : state_(std::move(state)) {}

LlamaBridge::~LlamaBridge() {
  close();
}

void LlamaBridge::close() {
  state_->finish();
}

const BridgeModel& LlamaBridge::model() const {
  return state_->model;
}

Result<std::unique_ptr<LlamaBridge>> LlamaBridge::load(const BridgeOptions& options) {
  start_llama_runtime();
  common_log_set_verbosity_thold(kLogNothing);  // it writes to standard error itself; see llama_runtime.h
  std::unique_ptr<LlamaBridge> bridge(new LlamaBridge(std::make_unique<State>(options)));
  MORGAN_CHECK_OK(bridge->state_->start());

  // The first request reads the weights from disk, starts the worker threads and parses the template.
  MORGAN_TRY(const BridgeReply warm,
             bridge->chat(R"({"messages":[{"role":"user","content":"Hello"}],"max_tokens":2,"cache_prompt":false})", {},
                          StopToken()));
  if (warm.status != 200) {
    return fail(ErrorCode::kCorrupt,
                "language model " + options.model_path + " does not answer: " + warm.error_message);
  }
  return bridge;
}

Result<BridgeReply> LlamaBridge::chat(const std::string& body, const std::function<bool(std::string_view)>& on_events,
                                      const StopToken& stop) {
  if (!state_->enter()) return fail(ErrorCode::kUnavailable, "the language model is being unloaded");
  const std::unique_ptr<State, void (*)(State*)> inside(state_.get(), [](State* state) { state->leave(); });

  server_response_reader reader = state_->context.get_response_reader();
  Running call;
  call.stop = &stop;
  bool stream = false;
  try {
    json parsed = json::parse(body);
    std::vector<raw_buffer> files;  // stays empty: no projector is loaded, so media are refused
    json request = oaicompat_chat_params_parse(parsed, state_->meta->chat_params, files);
    require_tool_call(parsed, request);
    allow_one_call(parsed, request);
    stream = json_value(request, "stream", false);
    std::vector<server_task> tasks = state_->make_tasks(request, reader);
    const server_task& task = tasks.front();
    if (task.tokens.empty()) return refusal(kStatusInvalid, "invalid_request_error", "the messages are empty");
    // The loop would find this too, but it leaves the other choices of n > 1 waiting for ever.
    if (task.n_tokens() >= state_->model.slot_context_tokens) {
      return refusal(kStatusInvalid, "exceed_context_size_error",
                     "the messages have " + std::to_string(task.n_tokens()) + " tokens, the model's context holds " +
                         std::to_string(state_->model.slot_context_tokens) + " with the answer");
    }
    call.task_id = task.id;
    reader.post_tasks(std::move(tasks));
  } catch (const std::exception& e) {
    return refusal(kStatusInvalid, "invalid_request_error", e.what());
  }

  std::list<Running*>::iterator place;
  {
    const std::scoped_lock lock(state_->mutex);
    place = state_->running.insert(state_->running.end(), &call);
    state_->changed.notify_all();
  }
  Result<BridgeReply> reply = [&]() -> Result<BridgeReply> {
    try {
      return state_->drive(reader, call, stream, on_events);
    } catch (const std::exception& e) {
      return refusal(kStatusInternal, "server_error", e.what());
    }
  }();
  const std::scoped_lock lock(state_->mutex);
  state_->running.erase(place);
  return reply;
}

}  // namespace morgan::engines
