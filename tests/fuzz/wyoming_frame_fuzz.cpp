// libFuzzer target: whatever bytes arrive, in whatever pieces, WyomingReader gives the same events as from the whole,
// or one of its documented errors; and what it gives can be written and read again. The first byte is the size of a
// piece.
#include "services/wyoming/wyoming_frame.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace morgan;

struct Outcome {
  std::vector<services::WyomingEvent> events;
  std::string reason;  // of the error at the end
};

void check(bool condition) {
  if (!condition) std::abort();
}

bool read_all(services::WyomingReader& reader, Outcome& outcome) {
  for (;;) {
    auto next = reader.next();
    if (!next) {
      outcome.reason = next.error().reason;
      check(outcome.reason == "invalid-json" || outcome.reason == "invalid-length" || outcome.reason == "too-large");
      return false;
    }
    if (!*next) return true;
    outcome.events.push_back(std::move(**next));
  }
}

Outcome read_in_pieces(std::string_view bytes, std::size_t piece) {
  services::WyomingReader reader;
  Outcome outcome;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    reader.push(bytes.substr(0, piece));
    if (!read_all(reader, outcome)) break;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read_in_pieces(bytes, bytes.size());
  const Outcome pieces = read_in_pieces(bytes, std::size_t{data[0]} + 1);
  check(whole.reason == pieces.reason && whole.events.size() == pieces.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    const auto& event = whole.events[i];
    check(event.type == pieces.events[i].type && event.data == pieces.events[i].data &&
          event.payload == pieces.events[i].payload && event.data.is_object());
    const std::string frame = services::frame_of(event);
    // The line and the data came apart: together they may be larger than either may be.
    const Outcome again = read_in_pieces(frame, frame.size());
    check(again.reason == "too-large" || (again.events.size() == 1 && again.events[0].data == event.data));
  }
  return 0;
}
