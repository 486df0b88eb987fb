/* A server of wolfSSL. Words: http, tls12, tls13, alpn PROTOCOL, fragment (512 bytes a record), optional CA. */
#include "serve.h"

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

int main(int argc, char **argv)
{
    wolfSSL_Init();
    int at, http = has(argc, argv, "http"), size, length;
    WOLFSSL_CTX *context = wolfSSL_CTX_new(has(argc, argv, "tls12")   ? wolfTLSv1_2_server_method()
                                           : has(argc, argv, "tls13") ? wolfTLSv1_3_server_method()
                                                                      : wolfSSLv23_server_method());
    wolfSSL_CTX_SetMinVersion(context, has(argc, argv, "tls13") ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2);
    if (wolfSSL_CTX_use_certificate_chain_file(context, argv[3]) != SSL_SUCCESS ||
        wolfSSL_CTX_use_PrivateKey_file(context, argv[4], SSL_FILETYPE_PEM) != SSL_SUCCESS)
        die("certificate");
    if ((at = has(argc, argv, "optional"))) {
        if (wolfSSL_CTX_load_verify_locations(context, argv[at + 1], NULL) != SSL_SUCCESS)
            die("clients' CA");
        wolfSSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    int fd = accepted(listening(argv[1], atoi(argv[2])));
    WOLFSSL *ssl = wolfSSL_new(context);
    if ((at = has(argc, argv, "alpn")))
        wolfSSL_UseALPN(ssl, argv[at + 1], strlen(argv[at + 1]), WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
#ifdef HAVE_MAX_FRAGMENT
    if (has(argc, argv, "fragment"))
        wolfSSL_UseMaxFragment(ssl, WOLFSSL_MFL_2_9);
#endif
    wolfSSL_set_fd(ssl, fd);
    char said[4096];
    if (wolfSSL_accept(ssl) != SSL_SUCCESS)
        return 1;
    while ((size = wolfSSL_read(ssl, said, sizeof said - 1)) > 0) {
        const char *back = answer(said, size, http, &length);
        wolfSSL_write(ssl, back, length);
        if (http && length)
            break;
    }
    wolfSSL_shutdown(ssl);
    return 0;
}
