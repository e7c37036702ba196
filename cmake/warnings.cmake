# Flags of our own code. -Wrestrict stays a warning: GCC 12 raises it falsely inside std::string.
add_library(morgan_flags INTERFACE)
target_compile_options(
  morgan_flags
  INTERFACE -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wold-style-cast
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wextra-semi
            -Werror
            -Wno-error=restrict
            -fstack-protector-strong
            -fno-omit-frame-pointer
            -ffunction-sections
            -fdata-sections)
target_compile_definitions(morgan_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_link_options(morgan_flags INTERFACE -Wl,--gc-sections)
if(MORGAN_SANITIZE)
  target_compile_options(morgan_flags INTERFACE -fsanitize=${MORGAN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(morgan_flags INTERFACE -fsanitize=${MORGAN_SANITIZE})
  # Instrumented code confuses two flow warnings of GCC 12.
  target_compile_options(morgan_flags INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow)
else()
  target_compile_definitions(morgan_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=3>)
endif()
