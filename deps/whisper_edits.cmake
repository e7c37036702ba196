# What Morgan needs of whisper.cpp and its source does not offer: each edit is a text that must be there exactly once
# (or as often as named), so a newer whisper.cpp that moved it stops the build instead of losing it.
file(READ ${MORGAN_WHISPER_DIR}/src/whisper.cpp source)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${MORGAN_WHISPER_DIR}/src/whisper.cpp)

function(edit times what with)
  string(REPLACE "${what}" "" without "${source}")
  string(LENGTH "${source}" length)
  string(LENGTH "${without}" length_without)
  string(LENGTH "${what}" length_of_what)
  math(EXPR found "(${length} - ${length_without}) / ${length_of_what}")
  if(NOT found EQUAL times)
    message(FATAL_ERROR "whisper.cpp has '${what}' ${found} times, not ${times}: look at deps/whisper_edits.cmake")
  endif()
  string(REPLACE "${what}" "${with}" edited "${source}")
  set(source "${edited}" PARENT_SCOPE)
endfunction()

# With flash attention the keys are rounded up to blocks of 256, as graphics processors want it. What fills the last
# block is what the call before has left there, which is heard as words when audio_ctx is cut. The CPU needs no blocks.
edit(2 "const int n_ctx_pad = GGML_PAD(n_ctx, 256);" "const int n_ctx_pad = GGML_PAD(n_ctx, wctx.params.use_gpu ? 256 : 1);")
edit(1 "const int n_audio_ctx_pad = GGML_PAD(n_audio_ctx, 256);"
     "const int n_audio_ctx_pad = GGML_PAD(n_audio_ctx, wctx.params.use_gpu ? 256 : 1);")

# The abort callback is asked between graphs only, and the encoder is one graph: a pass that nobody wants any more would
# keep the one that somebody waits for from beginning. ggml asks it between operators when the backend has it.
edit(1 "static bool whisper_encode_internal(" [[
static void morgan_set_abort(whisper_state & wstate, ggml_abort_callback callback, void * data) {
    for (ggml_backend_t backend : wstate.backends) {
        ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend));
        auto * set = (ggml_backend_set_abort_callback_t) ggml_backend_reg_get_proc_address(reg, "ggml_backend_set_abort_callback");
        if (set) {
            set(backend, callback, data);
        }
    }
}

static bool whisper_encode_internal(]])
edit(1 [[
    const int64_t t_start_us = ggml_time_us();

    // conv
]] [[
    const int64_t t_start_us = ggml_time_us();
    morgan_set_abort(wstate, abort_callback, abort_callback_data);

    // conv
]])
edit(1 [[
    const int64_t t_start_us = ggml_time_us();

    const auto & model   = wctx.model;
]] [[
    const int64_t t_start_us = ggml_time_us();
    morgan_set_abort(wstate, abort_callback, abort_callback_data);

    const auto & model   = wctx.model;
]])

# A backend of Morgan's own for the large products (src/engines/stt/int8_backend.h). One that is registered with ggml would
# be given to llama.cpp, too.
edit(1 "static std::vector<ggml_backend_t> whisper_backend_init(" [[
extern "C" {
ggml_backend_t (*morgan_whisper_accelerator)() = nullptr;
}

static std::vector<ggml_backend_t> whisper_backend_init(]])
edit(1 [[
    ggml_backend_t backend_cpu = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
    if (backend_cpu == nullptr) {
]] [[
    if (ggml_backend_t accelerator = morgan_whisper_accelerator ? morgan_whisper_accelerator() : nullptr) {
        result.push_back(accelerator);
    }

    ggml_backend_t backend_cpu = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
    if (backend_cpu == nullptr) {
]])

set(MORGAN_WHISPER_EDITED ${CMAKE_BINARY_DIR}/whisper-edited.cpp)
set(written "")
if(EXISTS ${MORGAN_WHISPER_EDITED})
  file(READ ${MORGAN_WHISPER_EDITED} written)
endif()
if(NOT written STREQUAL source)
  file(WRITE ${MORGAN_WHISPER_EDITED} "${source}")
endif()
file(STRINGS ${MORGAN_WHISPER_DIR}/CMakeLists.txt version_line REGEX "project\\(.*VERSION" LIMIT_COUNT 1)
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" MORGAN_WHISPER_VERSION "${version_line}")
