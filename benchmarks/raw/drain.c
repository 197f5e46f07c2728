/* Reads WebSocket frames from many sockets and counts them: the members of a large room.
 *
 * usage: drain NOTIFY_FD NOTIFY_EVERY MIN_BYTES FD...      (sockets, inherited)
 * A text frame with a payload of at least MIN_BYTES is a delivery; other frames are not counted.
 * After each NOTIFY_EVERY deliveries the total is written to NOTIFY_FD as 8 bytes, host order.
 * Ends when nobody reads NOTIFY_FD any more, or when all sockets are closed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"

#define EVENTS 512
#define CHUNK_BYTES 65536

struct member {
    int fd;
    uint64_t skip;           /* payload bytes of the current frame still to come */
    unsigned char head[10];  /* the part of a head that came before a read's end */
    size_t head_bytes;
};

static uint64_t deliveries;
static uint64_t min_bytes;

static void count(int opcode, uint64_t payload) {
    if (opcode == OPCODE_TEXT && payload >= min_bytes) deliveries++;
}

/* Finishes a head that was cut by the end of a read; returns how many new bytes it took. */
static size_t finish_head(struct member *member, const unsigned char *data, size_t length) {
    size_t taken = 0;
    int opcode;
    uint64_t payload;
    while (taken < length) {
        member->head[member->head_bytes++] = data[taken++];
        if (frame_head(member->head, member->head_bytes, &opcode, &payload)) {
            count(opcode, payload);
            member->skip = payload;
            member->head_bytes = 0;
            break;
        }
    }
    return taken;
}

static void consume(struct member *member, const unsigned char *data, size_t length) {
    while (length) {
        if (member->skip) {
            size_t step = member->skip < length ? (size_t)member->skip : length;
            member->skip -= step;
            data += step;
            length -= step;
            continue;
        }
        size_t taken = finish_head(member, data, length);
        data += taken;
        length -= taken;
    }
}

int main(int argc, char **argv) {
    static struct epoll_event events[EVENTS];
    static unsigned char chunk[CHUNK_BYTES];
    if (argc < 5) {
        fprintf(stderr, "usage: drain NOTIFY_FD NOTIFY_EVERY MIN_BYTES FD...\n");
        return 2;
    }
    int notify_fd = atoi(argv[1]);
    uint64_t every = strtoull(argv[2], NULL, 10), notified = 0;
    min_bytes = strtoull(argv[3], NULL, 10);
    int count_open = argc - 4;
    struct member *members = calloc((size_t)count_open, sizeof *members);
    int poll_fd = epoll_create1(0);
    if (!members || poll_fd < 0) return 1;
    for (int i = 0; i < count_open; i++) {
        members[i].fd = atoi(argv[4 + i]);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &members[i]};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, members[i].fd, &event)) {
            perror("drain: epoll_ctl");
            return 1;
        }
    }
    struct epoll_event gone = {.events = EPOLLERR, .data.ptr = NULL};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, notify_fd, &gone)) {
        perror("drain: NOTIFY_FD");
        return 1;
    }
    while (count_open) {
        int ready = epoll_wait(poll_fd, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) return 1;
        for (int i = 0; i < ready; i++) {
            struct member *member = events[i].data.ptr;
            if (!member) return 0;
            ssize_t got = recv(member->fd, chunk, sizeof chunk, MSG_DONTWAIT);
            if (got > 0) {
                consume(member, chunk, (size_t)got);
            } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
                epoll_ctl(poll_fd, EPOLL_CTL_DEL, member->fd, NULL);
                count_open--;
            }
            if (deliveries - notified >= every) {
                notified = deliveries - deliveries % every;
                if (write(notify_fd, &notified, sizeof notified) != sizeof notified) return 0;
            }
        }
    }
    return 0;
}
