// The language model without HTTP: chat_bench MODEL.gguf BODY [requests] [threads]
// BODY is that of POST /v1/chat/completions. Prints the milliseconds of each call, one a line, after three that are
// not counted; bench/http_load.py holds them against what the same body takes over HTTP.
#include "engines/llm/llama_cpp_llm.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

int main(int count, char** arguments) {
  constexpr int kWarmUp = 3;
  if (count < 3) {
    std::fprintf(stderr, "usage: chat_bench MODEL.gguf BODY [requests] [threads]\n");
    return 2;
  }
  morgan::engines::LlamaOptions options;
  options.model = arguments[1];
  options.model_name = "bench";
  options.threads = count > 4 ? std::atoi(arguments[4]) : static_cast<int>(std::thread::hardware_concurrency());
  const int requests = count > 3 ? std::atoi(arguments[3]) : 300;
  const auto loaded = morgan::engines::load_llama(options);
  if (!loaded) {
    std::fprintf(stderr, "chat_bench: %s\n", loaded.error().message.c_str());
    return 1;
  }
  for (int i = -kWarmUp; i < requests; ++i) {
    const auto began = std::chrono::steady_clock::now();
    const auto reply = (*loaded)->chat_completions(arguments[2], {}, {});
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    if (!reply || reply->status != 200) {
      std::fprintf(stderr, "chat_bench: %s\n", reply ? reply->body.c_str() : reply.error().message.c_str());
      return 1;
    }
    if (i >= 0) std::printf("%.4f\n", took.count());
  }
  return 0;
}
