/* A server of BearSSL, which speaks TLS 1.2 at most. Words: http, alpn PROTOCOL, fragment (512 bytes a record). */
#include "serve.h"

#include <bearssl.h>
#include <errno.h>

static unsigned char *der;
static size_t der_length;

static void keep(void *unused, const void *data, size_t size)
{
    (void)unused;
    der = realloc(der, der_length + size);
    memcpy(der + der_length, data, size);
    der_length += size;
}

/* The objects of a PEM file, as DER. */
static int objects(const char *path, br_x509_certificate *found, int most)
{
    static unsigned char text[1 << 16];
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(text, 1, sizeof text, file) : 0, at = 0;
    br_pem_decoder_context pem;
    br_pem_decoder_init(&pem);
    int count = 0;
    while (at < size && count < most) {
        at += br_pem_decoder_push(&pem, text + at, size - at);
        switch (br_pem_decoder_event(&pem)) {
        case BR_PEM_BEGIN_OBJ:
            der = NULL;
            der_length = 0;
            br_pem_decoder_setdest(&pem, keep, NULL);
            break;
        case BR_PEM_END_OBJ:
            found[count].data = der;
            found[count++].data_len = der_length;
        }
    }
    return count;
}

static int receive(void *fd, unsigned char *data, size_t size)
{
    int count = read(*(int *)fd, data, size);
    return count > 0 ? count : -1;
}

static int transmit(void *fd, const unsigned char *data, size_t size)
{
    int count = write(*(int *)fd, data, size);
    return count > 0 ? count : -1;
}

int main(int argc, char **argv)
{
    static br_ssl_server_context server;
    static unsigned char buffer[BR_SSL_BUFSIZE_BIDI], small[BR_SSL_BUFSIZE_INPUT + 512 + 85];
    br_x509_certificate chain[8], secret[1];
    br_skey_decoder_context key;
    int http = has(argc, argv, "http"), certificates = objects(argv[3], chain, 8), length, at;
    br_skey_decoder_init(&key);
    if (!certificates || !objects(argv[4], secret, 1))
        die("certificate");
    br_skey_decoder_push(&key, secret[0].data, secret[0].data_len);
    if (br_skey_decoder_key_type(&key) == BR_KEYTYPE_RSA)
        br_ssl_server_init_full_rsa(&server, chain, certificates, br_skey_decoder_get_rsa(&key));
    else if (br_skey_decoder_key_type(&key) == BR_KEYTYPE_EC)
        br_ssl_server_init_full_ec(&server, chain, certificates, BR_KEYTYPE_EC, br_skey_decoder_get_ec(&key));
    else
        die("key");
    br_ssl_engine_set_versions(&server.eng, BR_TLS12, BR_TLS12);
    if (has(argc, argv, "fragment"))
        br_ssl_engine_set_buffers_bidi(&server.eng, small, BR_SSL_BUFSIZE_INPUT, small + BR_SSL_BUFSIZE_INPUT,
                                       512 + 85);
    else
        br_ssl_engine_set_buffer(&server.eng, buffer, sizeof buffer, 1);
    static const char *protocols[1];
    if ((at = has(argc, argv, "alpn"))) {
        protocols[0] = argv[at + 1];
        br_ssl_engine_set_protocol_names(&server.eng, protocols, 1);
    }
    int fd = accepted(listening(argv[1], atoi(argv[2])));
    br_ssl_server_reset(&server);
    br_sslio_context io;
    br_sslio_init(&io, &server.eng, receive, &fd, transmit, &fd);
    char said[4096];
    int size;
    while ((size = br_sslio_read(&io, said, sizeof said - 1)) > 0) {
        const char *back = answer(said, size, http, &length);
        if (length && (br_sslio_write_all(&io, back, length) || br_sslio_flush(&io)))
            break;
        if (http && length)
            break;
    }
    br_sslio_close(&io);
    return 0;
}
