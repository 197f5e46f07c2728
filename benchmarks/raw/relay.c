/* The least that a chat server can do, as a physical limit: one room, epoll and send().
 *
 * usage: relay LISTEN_FD...                         (listening sockets, inherited)
 *
 * A thread per listening socket accepts there and answers whatever is asked with 101 (the key is not
 * looked at). Each text frame that a connection sends, masked with a key of zero, is sent unchanged
 * to every member, by the thread that read it: there is no second process to reach, no JSON and no
 * account of who is slow. A connection whose request begins with "GET /idle" is no member.
 *
 * Ends with an error when a member does not take a frame at once: the loads of these benchmarks stay
 * far below what a socket's buffer holds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "frames.h"

#define EVENTS 512
#define BUFFER_BYTES 65536
#define DESCRIPTORS 65536
#define MASK_BYTES 4

static const char request_end[] = "\r\n\r\n";
static const char answer[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

static int members[DESCRIPTORS]; /* filled from the front; a server serves one measurement */
static atomic_int member_count;
static pthread_mutex_t joining = PTHREAD_MUTEX_INITIALIZER;
static atomic_uchar upgraded[DESCRIPTORS]; /* by descriptor */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void join(int fd) {
    pthread_mutex_lock(&joining);
    members[member_count] = fd;
    atomic_fetch_add(&member_count, 1);
    pthread_mutex_unlock(&joining);
}

static void deliver(const unsigned char *frame, size_t size) {
    int count = member_count;
    for (int i = 0; i < count; i++) {
        ssize_t sent = send(members[i], frame, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent != (ssize_t)size && !(sent < 0 && (errno == EPIPE || errno == ECONNRESET)))
            fail("relay: a member did not take a frame");
    }
}

/* Unmasks in place, by moving the head over the zero key, and delivers. */
static void relay_frames(unsigned char *data, size_t length) {
    while (length) {
        int opcode;
        uint64_t payload;
        size_t head = frame_head(data, length, &opcode, &payload);
        if (!head || length < head + MASK_BYTES + payload) fail("relay: a frame was cut");
        memmove(data + MASK_BYTES, data, head);
        data[MASK_BYTES + 1] &= 0x7f;
        if (opcode == OPCODE_TEXT) deliver(data + MASK_BYTES, head + (size_t)payload);
        data += head + MASK_BYTES + payload;
        length -= head + MASK_BYTES + (size_t)payload;
    }
}

static void receive(int poll_fd, int fd, unsigned char *buffer) {
    ssize_t got = recv(fd, buffer, BUFFER_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        /* Stays open, so that its number is not given to another connection. */
        epoll_ctl(poll_fd, EPOLL_CTL_DEL, fd, NULL);
    } else if (upgraded[fd]) {
        relay_frames(buffer, (size_t)got);
    } else if (memmem(buffer, (size_t)got, request_end, 4)) {
        upgraded[fd] = 1;
        if (memcmp(buffer, "GET /idle", 9)) join(fd);
        if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) fail("relay: send");
    } else {
        fail("relay: a request was cut");
    }
}

static void accept_one(int poll_fd, int listen_fd) {
    int on = 1, fd = accept(listen_fd, NULL, NULL);
    if (fd < 0 || fd >= DESCRIPTORS) fail("relay: accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event)) fail("relay: epoll_ctl");
}

static void *serve(void *argument) {
    int listen_fd = atoi(argument), poll_fd = epoll_create1(0);
    struct epoll_event events[EVENTS];
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listen_fd};
    unsigned char *buffer = malloc(BUFFER_BYTES);
    if (!buffer || poll_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &event))
        fail("relay: epoll");
    for (;;) {
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) fail("relay: epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listen_fd)
                accept_one(poll_fd, listen_fd);
            else
                receive(poll_fd, events[i].data.fd, buffer);
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (argc < 2) {
        fprintf(stderr, "usage: relay LISTEN_FD...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        if (pthread_create(&thread, NULL, serve, argv[i])) fail("relay: pthread_create");
    serve(argv[1]);
}
