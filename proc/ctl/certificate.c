/* A certificate for the demo: EC P-256, signed by itself, for localhost, 127.0.0.1 and this
 * machine's name. */
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/clock.h"
#include "demo.h"

enum { DAY = 24 * 3600, GOOD_DAYS = 3650 };

/* Is there a certificate, with its key, that is good for a day more? */
static bool
is_there(const struct demo *d)
{
    char path[DEMO_PATH_MAX];
    FILE *f;
    X509 *x;
    time_t tomorrow = (time_t)(clock_now_us() / 1000000) + DAY;
    bool good;

    demo_path(d, DEMO_KEY, path);
    if (access(path, R_OK) != 0)
        return false;
    demo_path(d, DEMO_CERTIFICATE, path);
    f = fopen(path, "re");
    if (!f)
        return false;
    x = PEM_read_X509(f, NULL, NULL, NULL);
    good = x && X509_cmp_time(X509_get0_notAfter(x), &tomorrow) > 0;
    X509_free(x);
    fclose(f);
    return good;
}

static bool
add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    bool good;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    good = e && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return good;
}

static bool
set_names(X509 *x)
{
    char host[HOST_NAME_MAX + 1] = "", names[HOST_NAME_MAX + 64];
    X509_NAME *subject = X509_get_subject_name(x);

    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    snprintf(names, sizeof(names), "DNS:localhost,IP:127.0.0.1%s%s", host[0] ? ",DNS:" : "", host);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, subject) == 1 && add_extension(x, NID_subject_alt_name, names);
}

static X509 *
make_certificate(EVP_PKEY *key)
{
    X509 *x = X509_new();
    uint64_t serial;
    bool good;

    random_fill(&serial, sizeof(serial));
    good = x && X509_set_version(x, 2) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(x), -DAY) &&
           X509_gmtime_adj(X509_getm_notAfter(x), (long)GOOD_DAYS * DAY) &&
           X509_set_pubkey(x, key) == 1 && set_names(x) &&
           add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(x, NID_subject_key_identifier, "hash") &&
           X509_sign(x, key, EVP_sha256()) > 0;
    if (good)
        return x;
    X509_free(x);
    return NULL;
}

static struct err
write_pem(const struct demo *d, const char *name, mode_t mode, BIO *pem)
{
    char *at;
    long len = BIO_get_mem_data(pem, &at);

    return demo_write_file(d, name, mode, slice_make(at, (size_t)len));
}

struct err
demo_write_certificate(const struct demo *d)
{
    struct err e = err_make(ERR_TEMPORARY, "making the demo's certificate");
    EVP_PKEY *key;
    X509 *x;
    BIO *key_pem, *x_pem;

    if (is_there(d))
        return ERR_OK;
    key = EVP_EC_gen("P-256");
    x = key ? make_certificate(key) : NULL;
    key_pem = BIO_new(BIO_s_mem());
    x_pem = BIO_new(BIO_s_mem());
    if (x && key_pem && x_pem && PEM_write_bio_X509(x_pem, x) == 1 &&
        PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) == 1) {
        e = write_pem(d, DEMO_KEY, 0600, key_pem);
        if (!err_is(e))
            e = write_pem(d, DEMO_CERTIFICATE, 0644, x_pem);
    }
    BIO_free(key_pem);
    BIO_free(x_pem);
    X509_free(x);
    EVP_PKEY_free(key);
    return e;
}
