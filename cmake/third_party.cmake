# Every library that Morgan links. Debian's are named as pkg-config or CMake knows them; the engines
# come from deps/ through morgan-deps.cmake. Their headers are SYSTEM: their warnings are not ours.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(ffmpeg REQUIRED IMPORTED_TARGET libavformat libavcodec libavutil libswresample)
pkg_check_modules(soxr REQUIRED IMPORTED_TARGET soxr)
pkg_check_modules(opus REQUIRED IMPORTED_TARGET opus)
pkg_check_modules(espeak REQUIRED IMPORTED_TARGET espeak-ng)
pkg_check_modules(sqlite REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(archive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(kissfft REQUIRED IMPORTED_TARGET kissfft-float)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(cli11 REQUIRED IMPORTED_TARGET CLI11)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(Boost REQUIRED)
if(MORGAN_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

if(MORGAN_ONNXRUNTIME_INCLUDE)
  add_library(morgan_onnxruntime_headers INTERFACE)
  target_include_directories(morgan_onnxruntime_headers SYSTEM INTERFACE ${MORGAN_ONNXRUNTIME_INCLUDE})
endif()

if(MORGAN_DEPS_FILE)
  include(${MORGAN_DEPS_FILE})
  find_package(OpenMP REQUIRED COMPONENTS C CXX)
  # One bundle for llama.cpp, whisper.cpp and the ggml they share; a group, for they refer to each other.
  add_library(morgan_ggml_engines INTERFACE)
  target_link_libraries(
    morgan_ggml_engines INTERFACE -Wl,--start-group ${MORGAN_ENGINE_LIBRARIES} -Wl,--end-group OpenMP::OpenMP_CXX
                                  Threads::Threads ${CMAKE_DL_LIBS})
  add_library(morgan_whisper INTERFACE)
  target_include_directories(morgan_whisper SYSTEM INTERFACE ${MORGAN_WHISPER_INCLUDES} ${MORGAN_LLAMA_INCLUDES})
  target_link_libraries(morgan_whisper INTERFACE morgan_ggml_engines)
  add_library(morgan_llama INTERFACE)
  target_include_directories(morgan_llama SYSTEM INTERFACE ${MORGAN_LLAMA_INCLUDES})
  target_link_libraries(morgan_llama INTERFACE morgan_ggml_engines)
  # llama.cpp's server headers bring a nlohmann-json of their own version: only files that include no
  # other may see them, hence a target apart (docs/gotchas.md).
  add_library(morgan_llama_server INTERFACE)
  target_include_directories(morgan_llama_server SYSTEM INTERFACE ${MORGAN_LLAMA_SERVER_INCLUDES})
  target_link_libraries(morgan_llama_server INTERFACE morgan_llama)
endif()
