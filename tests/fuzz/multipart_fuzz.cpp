// Forms: whatever a Content-Type and a body hold, parse_multipart() gives parts that lie in the body, one after
// another, or its documented error; and what it gives can be written and read again. The first line is the
// Content-Type, the rest the body.
#include "base/strings.h"
#include "fuzz_target.h"
#include "net/multipart.h"

#include <algorithm>

namespace morgan::fuzz {

namespace {

std::string in_quotes(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + '"';
}

// A boundary that is in none of the parts.
std::string boundary_beside(std::string_view body) {
  std::string boundary = "again";
  while (body.find(boundary) != std::string_view::npos)
    boundary += static_cast<char>('a' + boundary.size() % 26);
  return boundary;
}

void check_written_again(const std::vector<net::FormPart>& parts, std::string_view body) {
  const std::string boundary = boundary_beside(body);
  if (boundary.size() > 70) return;
  std::string form;
  for (const net::FormPart& part : parts) {
    form += "--" + boundary + "\r\nContent-Disposition: form-data; name=" + in_quotes(part.name);
    if (!part.filename.empty()) form += "; filename=" + in_quotes(part.filename);
    if (!part.content_type.empty()) form += "\r\nContent-Type: " + part.content_type;
    form += "\r\n\r\n" + std::string(part.data) + "\r\n";
  }
  form += "--" + boundary + "--";
  const auto again = net::parse_multipart("multipart/form-data; boundary=" + boundary, form);
  // Escapes may make a head longer than a head may be; a decoded file name may hold a line break.
  if (!again) return;
  require(again->size() == parts.size(), "as many parts as were written");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    require((*again)[i].name == parts[i].name && (*again)[i].data == parts[i].data &&
                (*again)[i].content_type == parts[i].content_type,
            "the part that was written");
  }
}

void parse(std::string_view bytes) {
  const std::string_view type = bytes.substr(0, bytes.find('\n'));
  const std::string_view body = bytes.substr(std::min(type.size() + 1, bytes.size()));
  const auto parts = net::parse_multipart(type, body);
  if (!parts) {
    require(parts.error().code == ErrorCode::kInvalidArgument, "a documented error");
    require(!parts.error().message.empty(), "an error that says something");
    return;
  }
  require(parts->size() <= 64, "at most 64 parts");
  const char* from = body.data();
  for (const net::FormPart& part : *parts) {
    require(part.data.data() >= from && part.data.data() + part.data.size() <= body.data() + body.size(),
            "parts that lie in the body, one after another");
    from = part.data.data() + part.data.size();
    require((part.name + part.filename).find('\0') == std::string::npos, "names without a NUL");
  }
  check_written_again(*parts, body);
}

std::vector<std::string> forms() {
  const std::string type = "multipart/form-data; boundary=b\n";
  const std::string disposition = "Content-Disposition: form-data; ";
  return {
      type + "--b\r\n" + disposition + "name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n",
      type + "preamble\r\n--b  \r\n" + disposition +
          "name=\"file\"; filename=\"C:\\\\a \\\"b\\\".wav\"\r\nContent-Type: audio/wav\r\n" +
          "\r\nRIFF\r\n--bRIFF\r\n--b\r\n" + disposition + "name=n\r\n\r\n\r\n--b--epilogue",
      type + "--b\r\n" + disposition +
          "name=f; filename*=UTF-8'en'na%C3%AFve.wav\r\nContent-Transfer-Encoding: 8bit\r\n\r\nx\r\n--b--",
      "multipart/form-data; charset=\"utf-8\"; boundary=\"b; c\"\n--b; c\r\n" + disposition +
          "name=\"\"\r\n\r\n--b; c--",
      type + "--b\r\n\r\nno head\r\n--b--",
      type + "--b\r\n" + disposition + "name=\"cut\"\r\n\r\noff",
  };
}

const Registered kRegistered({"multipart", parse, forms});

}  // namespace

}  // namespace morgan::fuzz
