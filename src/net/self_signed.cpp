#include "net/self_signed.h"

#include "base/file.h"
#include "base/strings.h"
#include "net/host.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

namespace morgan::net {

namespace {

constexpr long kSecondsPerDay = 86'400;
constexpr long kClockSkew = 3'600;  // clients whose clock is a little behind
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxCommonName = 64;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;

Failure openssl_failed(const char* what) {
  return fail(ErrorCode::kInternal, std::string("OpenSSL did not make the ") + what);
}

/// Letters, digits, dots and hyphens, for the list of names has commas and colons of its own.
bool is_host_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '*';
  });
}

Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::vector<std::string> entries;
  for (const std::string& name : names) {
    const bool address = is_address(name);
    if (!address && !is_host_name(name)) {
      return fail(ErrorCode::kInvalidArgument, "'" + name + "' is neither a host's name nor an address");
    }
    entries.push_back((address ? "IP:" : "DNS:") + name);
  }
  if (entries.empty()) return fail(ErrorCode::kInvalidArgument, "a certificate needs a host's name or address");
  return join(entries, ",");
}

Result<void> add_extension(X509* certificate, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) return openssl_failed("certificate");
  return {};
}

Result<Certificate> make_certificate(const SelfSignedOptions& options, EVP_PKEY* key) {
  MORGAN_TRY(const std::string names, alternative_names(options.names));
  Certificate certificate(X509_new());
  std::uint64_t serial = 0;
  if (!certificate || RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) != 1) {
    return openssl_failed("certificate");
  }
  X509* const x509 = certificate.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(x509), -kClockSkew);
  X509_gmtime_adj(X509_getm_notAfter(x509), options.days * kSecondsPerDay);
  X509_set_pubkey(x509, key);
  X509_NAME* const subject = X509_get_subject_name(x509);
  const std::string common = options.names.front().substr(0, kMaxCommonName);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(x509, subject);
  // An authority for itself only: clients are told to trust this file, and OpenSSL asks for the flag then.
  MORGAN_CHECK_OK(add_extension(x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  MORGAN_CHECK_OK(add_extension(x509, NID_key_usage, "critical,digitalSignature,keyCertSign"));
  MORGAN_CHECK_OK(add_extension(x509, NID_ext_key_usage, "serverAuth"));
  MORGAN_CHECK_OK(add_extension(x509, NID_subject_key_identifier, "hash"));
  MORGAN_CHECK_OK(add_extension(x509, NID_subject_alt_name, names));
  if (X509_sign(x509, key, EVP_sha256()) == 0) return openssl_failed("certificate");
  return certificate;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

Result<void> write_self_signed(const SelfSignedOptions& options, const std::filesystem::path& certificate,
                               const std::filesystem::path& key) {
  const Key secret(EVP_EC_gen("P-256"));
  if (!secret) return openssl_failed("key");
  MORGAN_TRY(const Certificate made, make_certificate(options, secret.get()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  if (!key_text || !certificate_text ||
      PEM_write_bio_PrivateKey(key_text.get(), secret.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_text.get(), made.get()) != 1) {
    return openssl_failed("files");
  }
  MORGAN_CHECK_OK(write_file_atomically(key, text_of(key_text.get()), 0600));
  return write_file_atomically(certificate, text_of(certificate_text.get()));
}

}  // namespace morgan::net
