// Wyoming events: whatever bytes arrive, in whatever pieces, WyomingReader gives the same events as from the whole, or
// one of its documented errors; and what it gives can be written and read again. The first byte is the size of a piece.
#include "fuzz_target.h"
#include "services/wyoming/wyoming_frame.h"

#include <algorithm>

namespace morgan::fuzz {

namespace {

struct Outcome {
  std::vector<services::WyomingEvent> events;
  std::string reason;  // of the error at the end
};

bool read_all(services::WyomingReader& reader, Outcome& outcome) {
  for (;;) {
    auto next = reader.next();
    if (!next) {
      outcome.reason = next.error().reason;
      require(outcome.reason == "invalid-json" || outcome.reason == "invalid-length" || outcome.reason == "too-large",
              "a documented error");
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

void read(std::string_view bytes) {
  const std::size_t piece = std::size_t{take_byte(bytes)} + 1;
  const Outcome whole = read_in_pieces(bytes, bytes.size());
  const Outcome pieces = read_in_pieces(bytes, piece);
  require(whole.reason == pieces.reason && whole.events.size() == pieces.events.size(),
          "the same from pieces as from the whole");
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    const auto& event = whole.events[i];
    require(event.type == pieces.events[i].type && event.data == pieces.events[i].data &&
                event.payload == pieces.events[i].payload,
            "the same event from pieces as from the whole");
    require(event.data.is_object(), "data that are an object");
    const std::string frame = services::frame_of(event);
    // The line and the data came apart: together they may be larger than either may be.
    const Outcome again = read_in_pieces(frame, frame.size());
    require(again.reason == "too-large" || (again.events.size() == 1 && again.events[0].data == event.data),
            "what is written is read again");
  }
}

std::vector<std::string> events() {
  return {
      std::string("\x03", 1) + "{\"type\":\"describe\"}\n",
      std::string("\x10", 1) +
          "{\"type\":\"transcribe\",\"data\":{\"language\":\"en\"},\"data_length\":12}\n{\"name\":\"x\"} " +
          "{\"type\":\"audio-stop\",\"data\":null}\n",
      std::string("\x01", 1) + "{\"type\":\"audio-chunk\",\"data\":{\"rate\":16000,\"width\":2,\"channels\":1}," +
          "\"payload_length\":4}\nabcd{\"type\":\"audio-chunk\",\"payload_length\":99999999}\n",
      std::string("\0", 1) + "{\"type\":\"x\",\"data_length\":-1}\n",
  };
}

const Registered kRegistered({"wyoming_frame", read, events});

}  // namespace

}  // namespace morgan::fuzz
