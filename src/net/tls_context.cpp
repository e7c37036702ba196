#include "net/tls_context.h"

#include "base/file.h"
#include "base/log.h"

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <mutex>
#include <string_view>

namespace morgan::net {

namespace fs = std::filesystem;
namespace ssl = boost::asio::ssl;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMaxPemBytes = 1'000'000;
constexpr std::chrono::seconds kBetweenLooks{1};

void set_least_version(TlsContext& context) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.native_handle(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // 34 kB less for each connection that waits.
  SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
}

/// HTTP/1.1 is what is spoken here; who offers nothing that is known is served all the same.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr std::string_view kKnown = "http/1.1";
  for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1, offered[at]);
    if (at + 1 + offered[at] > offered_size || name != kKnown) continue;
    *chosen = offered + at + 1;
    *chosen_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

Result<std::string> read_pem(const fs::path& file, std::string_view what) {
  auto text = read_file(file, kMaxPemBytes);
  if (text) return text;
  return fail(text.error().code, "the " + std::string(what) + " of TLS cannot be used: " + text.error().message);
}

Result<std::shared_ptr<TlsContext>> server_context(const fs::path& certificate, const fs::path& key) {
  MORGAN_TRY(const std::string chain, read_pem(certificate, "certificate"));
  MORGAN_TRY(const std::string secret, read_pem(key, "key"));
  auto context = std::make_shared<TlsContext>(ssl::context::tls_server);
  set_least_version(*context);
  SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_protocol, nullptr);
  boost::system::error_code error;
  context->use_certificate_chain(boost::asio::buffer(chain), error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument, certificate.string() + " is not a certificate in PEM: " + error.message());
  }
  // A key with a pass phrase is one that nobody here can open: asking on the terminal would hang a server.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); }, error);
  context->use_private_key(boost::asio::buffer(secret), ssl::context::pem, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument, key.string() + " is not the key of " + certificate.string() +
                                                 " in PEM without a pass phrase: " + error.message());
  }
  return context;
}

class PemIdentity final : public TlsIdentity {
 public:
  PemIdentity(fs::path certificate, fs::path key) : certificate_(std::move(certificate)), key_(std::move(key)) {}

  Result<void> reload() override {
    const std::lock_guard lock(mutex_);
    return read();
  }

  std::shared_ptr<TlsContext> current() {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (now < next_look_) return context_;
    next_look_ = now + kBetweenLooks;
    if (stamps_ == stamps()) return context_;
    if (const auto done = read(); !done) {
      log::error("tls", "the certificate changed and cannot be used; the one before stays in use",
                 {{"why", done.error().message}});
    } else {
      log::info("tls", "the certificate was read again");
    }
    return context_;
  }

 private:
  using Stamps = std::array<FileStamp, 2>;
  Stamps stamps() const { return {FileStamp::of(certificate_), FileStamp::of(key_)}; }

  // With the mutex held.
  Result<void> read() {
    stamps_ = stamps();
    MORGAN_TRY(context_, server_context(certificate_, key_));
    return {};
  }

  const fs::path certificate_;
  const fs::path key_;
  std::mutex mutex_;                     // guards everything below
  std::shared_ptr<TlsContext> context_;  // shared with the handshakes that it was given to
  Stamps stamps_{};
  Clock::time_point next_look_;
};

}  // namespace

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(fs::path certificate, fs::path key) {
  auto identity = std::make_shared<PemIdentity>(std::move(certificate), std::move(key));
  MORGAN_CHECK_OK(identity->reload());
  return std::shared_ptr<TlsIdentity>(std::move(identity));
}

std::shared_ptr<TlsContext> current_context(TlsIdentity& identity) {
  return static_cast<PemIdentity&>(identity).current();  // load() makes no other
}

Result<std::shared_ptr<TlsContext>> client_context(const std::string& ca_file) {
  auto context = std::make_shared<TlsContext>(ssl::context::tls_client);
  set_least_version(*context);
  boost::system::error_code error;
  context->set_default_verify_paths(error);  // a system without any is one where ca_file must do
  context->set_verify_mode(ssl::verify_peer, error);
  if (!ca_file.empty()) {
    MORGAN_TRY(const std::string authorities, read_pem(ca_file, "file of authorities"));
    context->add_certificate_authority(boost::asio::buffer(authorities), error);
    if (error) return fail(ErrorCode::kInvalidArgument, ca_file + " holds no certificate in PEM: " + error.message());
  }
  return context;
}

}  // namespace morgan::net
