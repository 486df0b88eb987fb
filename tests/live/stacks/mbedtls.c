/* A server of Mbed TLS 2.28. Words: http, alpn PROTOCOL, fragment (512 bytes a record), optional CA. */
#include "serve.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

int main(int argc, char **argv)
{
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    mbedtls_x509_crt chain, roots;
    mbedtls_pk_context key;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_init(&ssl);
    mbedtls_x509_crt_init(&chain);
    mbedtls_x509_crt_init(&roots);
    mbedtls_pk_init(&key);
    if (mbedtls_x509_crt_parse_file(&chain, argv[3]) || mbedtls_pk_parse_keyfile(&key, argv[4], NULL))
        die("certificate");
    if (mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT))
        die("defaults");
    mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    if (mbedtls_ssl_conf_own_cert(&config, &chain, &key))
        die("own certificate");
    int at;
    static const char *protocols[2];
    if ((at = has(argc, argv, "alpn"))) {
        protocols[0] = argv[at + 1];
        mbedtls_ssl_conf_alpn_protocols(&config, protocols);
    }
    if (has(argc, argv, "fragment"))
        mbedtls_ssl_conf_max_frag_len(&config, MBEDTLS_SSL_MAX_FRAG_LEN_512);
    if ((at = has(argc, argv, "optional"))) {
        if (mbedtls_x509_crt_parse_file(&roots, argv[at + 1]))
            die("clients' CA");
        mbedtls_ssl_conf_ca_chain(&config, &roots, NULL);
        mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_OPTIONAL);
    }
    int http = has(argc, argv, "http"), size, length;
    mbedtls_net_context peer;
    peer.fd = accepted(listening(argv[1], atoi(argv[2])));
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) ||
        mbedtls_ssl_setup(&ssl, &config))
        die("setup");
    mbedtls_ssl_set_bio(&ssl, &peer, mbedtls_net_send, mbedtls_net_recv, NULL);
    char said[4096];
    if (mbedtls_ssl_handshake(&ssl))
        return 1;
    while ((size = mbedtls_ssl_read(&ssl, (unsigned char *)said, sizeof said - 1)) > 0) {
        const char *back = answer(said, size, http, &length);
        mbedtls_ssl_write(&ssl, (const unsigned char *)back, length);
        if (http && length)
            break;
    }
    mbedtls_ssl_close_notify(&ssl);
    return 0;
}
