# Run by morgan_embed(): INPUT's bytes as a C++ array in OUTPUT.
file(READ ${INPUT} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUTPUT}
"#include <string_view>

namespace morgan::embedded {

namespace {
constexpr unsigned char kBytes[] = {${bytes}0};
}  // namespace

extern const std::string_view ${SYMBOL};
const std::string_view ${SYMBOL}{reinterpret_cast<const char*>(kBytes), ${size}};

}  // namespace morgan::embedded
")
