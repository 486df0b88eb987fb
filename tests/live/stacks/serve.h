/* What the servers in C share: a listening socket, a process a connection, and what is said over TLS.

   Usage of each: PROGRAM ADDRESS PORT CHAIN KEY [WORD...]; the words are its settings. Each process takes one
   connection, so that a client which waits stops nobody. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

static int has(int argc, char **argv, const char *word)
{
    for (int i = 5; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return i;
    return 0;
}

static void die(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

/* A socket that listens; IPv6 when the address has a colon. */
static int listening(const char *address, int port)
{
    int six = strchr(address, ':') != NULL, on = 1;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET, address, &v4.sin_addr);
    inet_pton(AF_INET6, address, &v6.sin6_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (bind(fd, six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4, six ? sizeof v6 : sizeof v4) ||
        listen(fd, 64))
        die("listen");
    return fd;
}

/* The next connection, in a process of its own. */
static int accepted(int listener)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        if (fork() == 0) {
            close(listener);
            alarm(60);
            return fd;
        }
        close(fd);
    }
}

/* How many bytes of `said` to send back: the whole of it, or an answer to a request that is complete. */
static const char *answer(char *said, int size, int http, int *length)
{
    if (http) {
        said[size] = 0;
        *length = strstr(said, "\r\n\r\n") ? (int)sizeof ANSWER - 1 : 0;
        return ANSWER;
    }
    *length = size;
    return said;
}
