# Flags of our own code. A warning is an error on the compiler that CI has, and only there: a newer one
# may know new warnings, and whoever clones Morgan wants to talk to it. The four that GCC 12 raises
# falsely inside std::string (docs/gotchas.md) are off.
set(werror "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(werror -Werror -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
endif()
# In a file that stands for several, a local name may hide another file's, and a class of one .cpp file looks as if it
# were a header's.
set(unity_warnings -Wshadow)
if(MORGAN_UNITY_FILES GREATER 1 AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(unity_warnings -Wshadow=local -Wno-subobject-linkage)
endif()
add_library(morgan_flags INTERFACE)
target_compile_options(
  morgan_flags
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            ${unity_warnings}
            -Wconversion
            -Wold-style-cast
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wextra-semi
            ${werror}
            -fstack-protector-strong
            -fno-omit-frame-pointer
            -ffunction-sections
            -fdata-sections)
target_compile_definitions(morgan_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(morgan_flags INTERFACE -Wl,--gc-sections)
if(MORGAN_SANITIZE)
  target_compile_options(morgan_flags INTERFACE -fsanitize=${MORGAN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(morgan_flags INTERFACE -fsanitize=${MORGAN_SANITIZE})
  # Instrumented code confuses a flow warning of GCC 12; and TSan does not see Asio's fences, which its mutexes make up for.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(morgan_flags INTERFACE -Wno-maybe-uninitialized -Wno-tsan)
  endif()
else()
  target_compile_definitions(morgan_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=3>)
endif()
