#include "net/http_client.h"

#include "base/strings.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>

namespace morgan::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kPollMilliseconds = 50;  // how late a stop may be noticed
constexpr long kMaxRedirects = 5;

template <auto Free>
struct CurlDeleter {
  template <typename T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Easy = std::unique_ptr<CURL, CurlDeleter<curl_easy_cleanup>>;
using Multi = std::unique_ptr<CURLM, CurlDeleter<curl_multi_cleanup>>;
using List = std::unique_ptr<curl_slist, CurlDeleter<curl_slist_free_all>>;
using Mime = std::unique_ptr<curl_mime, CurlDeleter<curl_mime_free>>;
using Url = std::unique_ptr<CURLU, CurlDeleter<curl_url_cleanup>>;
using CurlString = std::unique_ptr<char, CurlDeleter<curl_free>>;

/// The connections live in the multi handle, so whoever gets the same one uses them again.
struct Handles {
  Multi multi;
  Easy easy;
};

/// A thread's handles for the time of one request. A request made inside another's callback finds them
/// taken and gets handles of its own.
class Lease {
 public:
  Lease() : handles_(take()) {}
  ~Lease() { kept() = std::move(handles_); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  bool valid() const { return handles_.multi && handles_.easy; }
  CURLM* multi() const { return handles_.multi.get(); }
  CURL* easy() const { return handles_.easy.get(); }

 private:
  static Handles& kept() {
    thread_local Handles handles;
    return handles;
  }
  static Handles take() {
    static const CURLcode initialized = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialized != CURLE_OK) return {};
    Handles handles = std::move(kept());
    if (!handles.multi) handles = {Multi(curl_multi_init()), Easy(curl_easy_init())};
    if (handles.easy) curl_easy_reset(handles.easy.get());
    return handles;
  }

  Handles handles_;
};

/// Where a request goes, in words that hold no user name, password, path or query.
struct Place {
  std::string name;  // "host:port"
  bool loopback = false;
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  const CurlString owned(text);
  return text;
}

Result<Place> parse_place(const std::string& text) {
  const Url url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
    return fail(ErrorCode::kInvalidArgument, "the URL is malformed");
  }
  const std::string scheme = url_part(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return fail(ErrorCode::kInvalidArgument, "the URL must begin with http:// or https://");
  }
  const std::string host = to_lower_ascii(url_part(url.get(), CURLUPART_HOST));
  Place place;
  place.name = host + ":" + url_part(url.get(), CURLUPART_PORT);
  place.loopback = host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
  return place;
}

/// One running request: what libcurl's callbacks see.
struct Transfer {
  const ClientRequest* request = nullptr;
  CURL* easy = nullptr;
  ClientResponse response;
  Clock::time_point last_byte = Clock::now();
  bool receiver_stopped = false;
  bool too_large = false;

  long status() const {
    long code = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
};

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view bytes(data, size * count);
  transfer.last_byte = Clock::now();
  const long status = transfer.status();
  if (transfer.request->on_body && status >= 200 && status < 300) {
    if (transfer.request->on_body(bytes)) return bytes.size();
    transfer.receiver_stopped = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (transfer.response.body.size() + bytes.size() > transfer.request->max_body) {
    transfer.too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  transfer.response.body.append(bytes);
  return bytes.size();
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  transfer.last_byte = Clock::now();
  if (line.starts_with("HTTP/")) {  // a new head: the one before was a redirect or a 100
    transfer.response.headers.clear();
    transfer.response.body.clear();
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    transfer.response.headers.emplace(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
  }
  return line.size();
}

Result<List> header_list(const ClientRequest& request) {
  List list;
  const auto add = [&list](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return;
    static_cast<void>(list.release());
    list.reset(longer);
  };
  for (const auto& [name, value] : request.headers) {
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument,
                  "the header '" + name.substr(0, name.find_first_of("\r\n")) + "' has a line break in it");
    }
    add(value.empty() ? name + ";" : name + ": " + value);  // libcurl's way to send an empty one
  }
  add("Expect:");  // the body is at hand: waiting for "100 Continue" only costs time
  if (request.form.empty() && request.headers.count("Content-Type") == 0) add("Content-Type:");
  return list;
}

Result<Mime> form_of(CURL* easy, const std::vector<FormField>& fields) {
  Mime mime(curl_mime_init(easy));
  for (const FormField& field : fields) {
    curl_mimepart* part = mime ? curl_mime_addpart(mime.get()) : nullptr;
    if (part == nullptr) return fail(ErrorCode::kInternal, "libcurl did not make the form");
    CURLcode code = curl_mime_name(part, field.name.c_str());
    if (code == CURLE_OK) code = curl_mime_data(part, field.data.data(), field.data.size());
    if (code == CURLE_OK && !field.filename.empty()) code = curl_mime_filename(part, field.filename.c_str());
    if (code == CURLE_OK && !field.content_type.empty()) code = curl_mime_type(part, field.content_type.c_str());
    if (code != CURLE_OK) return fail(ErrorCode::kInternal, "libcurl did not make the form");
  }
  return mime;
}

void set_method(CURL* easy, const ClientRequest& request) {
  const bool has_body = !request.body.empty() && request.form.empty();
  if (request.method == Method::kHead) {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.form.empty() && (has_body || request.method == Method::kPost)) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, std::string(to_string(request.method)).c_str());
  // Only what changes nothing may be asked for again elsewhere.
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request.method == Method::kGet && !has_body ? 1L : 0L);
}

void set_options(Transfer& transfer, const Place& place) {
  CURL* easy = transfer.easy;
  const ClientRequest& request = *transfer.request;
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  if (!request.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
  if (place.loopback) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  set_method(easy, request);
}

Error transfer_error(const Transfer& transfer, CURLcode code, const Place& place) {
  const std::string host = place.name;
  if (transfer.receiver_stopped)
    return {ErrorCode::kCancelled, "the transfer from " + host + " was stopped by its receiver"};
  if (transfer.too_large) {
    return {ErrorCode::kTooLarge,
            "the answer of " + host + " is larger than " + human_bytes(transfer.request->max_body)};
  }
  if (code == CURLE_OPERATION_TIMEDOUT) {
    curl_off_t connected = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    if (connected == 0) return {ErrorCode::kUnavailable, "cannot connect to " + host + ": no answer in time"};
    return {ErrorCode::kDeadlineExceeded, host + " did not answer within the time limit"};
  }
  if (code == CURLE_COULDNT_RESOLVE_HOST) return {ErrorCode::kUnavailable, "the name of " + host + " is not known"};
  if (code == CURLE_COULDNT_CONNECT) {
    long number = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_OS_ERRNO, &number);
    const std::string why = number == 0 ? "no connection" : std::strerror(static_cast<int>(number));
    return {ErrorCode::kUnavailable, "cannot connect to " + host + ": " + why};
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    return {ErrorCode::kUnavailable, "no TLS with " + host + ": " + curl_easy_strerror(code) +
                                         "; a certificate that the system does not know is named by client.ca_file"};
  }
  return {ErrorCode::kUnavailable, "the request to " + host + " failed: " + curl_easy_strerror(code)};
}

/// Adds the easy handle for the time of one request; a handle left inside would refuse the next one.
class Attached {
 public:
  Attached(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) { curl_multi_add_handle(multi_, easy_); }
  ~Attached() { curl_multi_remove_handle(multi_, easy_); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  CURLM* multi_;
  CURL* easy_;
};

std::optional<CURLcode> finished(CURLM* multi) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return std::nullopt;
}

// Bytes sent also count as life; before the connection stands, connect_timeout rules alone.
bool stalled(Transfer& transfer, curl_off_t& sent_before) {
  curl_off_t sent = 0;
  curl_off_t connected = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
  curl_easy_getinfo(transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
  if (sent != sent_before || connected == 0) transfer.last_byte = Clock::now();
  sent_before = sent;
  return Clock::now() - transfer.last_byte >= transfer.request->stall_timeout;
}

Result<CURLcode> drive(CURLM* multi, Transfer& transfer, const Place& place, const StopToken& stop) {
  curl_off_t sent = 0;
  for (;;) {
    if (stop.stop_requested()) return fail(stop.error());
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) return fail(ErrorCode::kInternal, "libcurl failed");
    if (const auto code = finished(multi)) return *code;
    if (stalled(transfer, sent)) {
      return fail(ErrorCode::kDeadlineExceeded,
                  place.name + " sent nothing for " + std::to_string(transfer.request->stall_timeout.count()) + " ms");
    }
    curl_multi_poll(multi, nullptr, 0, kPollMilliseconds, nullptr);
  }
}

}  // namespace

std::string place_of(const std::string& url) {
  const auto place = parse_place(url);
  return place ? place->name : "";
}

Result<ClientResponse> http_request(const ClientRequest& request, const StopToken& stop) {
  MORGAN_TRY(const Place place, parse_place(request.url));
  const Lease lease;
  if (!lease.valid()) return fail(ErrorCode::kInternal, "libcurl did not start");
  MORGAN_TRY(const List headers, header_list(request));
  Transfer transfer;
  transfer.request = &request;
  transfer.easy = lease.easy();
  set_options(transfer, place);
  curl_easy_setopt(transfer.easy, CURLOPT_HTTPHEADER, headers.get());
  Mime form;
  if (!request.form.empty()) {
    MORGAN_TRY(form, form_of(transfer.easy, request.form));
    curl_easy_setopt(transfer.easy, CURLOPT_MIMEPOST, form.get());
  }
  const Attached attached(lease.multi(), transfer.easy);
  MORGAN_TRY(const CURLcode code, drive(lease.multi(), transfer, place, stop));
  if (code != CURLE_OK) return fail(transfer_error(transfer, code, place));
  transfer.response.status = static_cast<int>(transfer.status());
  return std::move(transfer.response);
}

}  // namespace morgan::net
