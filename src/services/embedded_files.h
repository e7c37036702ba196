// Files of the source tree that travel inside the binary (cmake/embed.cmake).
#pragma once

#include <string_view>

namespace morgan::embedded {

extern const std::string_view openapi_schemas;
extern const std::string_view mcp_tools;
extern const std::string_view docs_page;
extern const std::string_view voice_page;
extern const std::string_view voice_worklet;

}  // namespace morgan::embedded
