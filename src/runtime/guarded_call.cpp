#include "runtime/guarded_call.h"

#include "base/log.h"

#include <exception>

namespace morgan::runtime {

void guarded_call(std::function<void()> task) {
  try {
    task();
  } catch (const std::exception& exception) {
    log::error("runtime", "a task threw", {{"what", exception.what()}});
  } catch (...) {
    log::error("runtime", "a task threw");
  }
}

}  // namespace morgan::runtime
