/* Publishes over joined connections and measures how long each answer takes, with little CPU.
 *
 * usage: load open MESSAGES_PER_S SECONDS RECEIPTS MARKER
 *        load window IN_FLIGHT_PER_CONNECTION SECONDS 1 MARKER
 *
 * stdin: for each connection a 4-byte fd, a 4-byte length (host order) and that many bytes: the
 * frame it publishes, with a zero masking key; length 0 means that it only receives. Each "T" and
 * 19 zeros in a frame is replaced by "T" and the nanoseconds of the monotonic clock: in open mode
 * of the moment the message was due, in window mode of the moment it was sent.
 *
 * A received text frame that contains MARKER (which ends in T) is a sample: now minus the
 * nanoseconds after it. In open mode messages are due at exponentially distributed distances,
 * from random connections, whether or not earlier ones have arrived, and each causes RECEIPTS
 * samples; in window mode a sample lets its connection publish again.
 *
 * Prints one JSON object; its buckets are [largest ns, samples].
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "frames.h"

#define EVENTS 512
#define BUFFER_BYTES 65536
#define DIGITS 19
#define STAMPS_MAX 4
#define BUCKETS (64 * 60)
#define GRACE_NS 10000000000u /* for what is still on its way when the time is over */

struct connection {
    int fd;
    uint32_t frame_bytes;
    char *frame;
    size_t stamps[STAMPS_MAX];
    int stamp_count;
    size_t received;
    unsigned char *buffer;
};

static struct {
    uint64_t sent, samples, in_time, errors, refused, closed, late_max;
    uint64_t buckets[BUCKETS];
} total;

static struct connection *connections;
static uint32_t *senders;
static uint32_t connection_count, sender_count;
static const char *marker;
static size_t marker_bytes;
static int window_mode;
static uint64_t end_ns;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

/* 64 buckets for each doubling: at most 1.6 % too high. */
static void record(uint64_t ns) {
    int shift = ns < 128 ? 0 : 63 - __builtin_clzll(ns) - 6;
    uint64_t index = (uint64_t)shift * 64 + (ns >> shift);
    total.buckets[index < BUCKETS ? index : BUCKETS - 1]++;
}

static uint64_t bucket_top(uint64_t index) {
    if (index < 128) return index;
    uint64_t shift = index / 64 - 1;
    return ((index - shift * 64 + 1) << shift) - 1;
}

static void publish(struct connection *connection, uint64_t stamp) {
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%0*llu", DIGITS, (unsigned long long)stamp);
    for (int i = 0; i < connection->stamp_count; i++)
        memcpy(connection->frame + connection->stamps[i], digits, DIGITS);
    ssize_t sent = send(connection->fd, connection->frame, connection->frame_bytes,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == (ssize_t)connection->frame_bytes) {
        total.sent++;
    } else if (sent < 0) {
        total.refused++; /* the server does not read, or has closed the connection */
    } else {
        fprintf(stderr, "load: half a frame was sent\n");
        exit(1);
    }
}

static void take_text(struct connection *connection, const char *text, size_t length,
                      uint64_t now) {
    static int shown;
    if (memmem(text, length, "\"type\":\"error\"", 14)) {
        if (!shown++) fprintf(stderr, "load: %.*s\n", (int)length, text);
        total.errors++;
        return;
    }
    const char *found = memmem(text, length, marker, marker_bytes);
    if (!found || found + marker_bytes + DIGITS > text + length) return;
    uint64_t stamp = 0;
    found += marker_bytes;
    for (int i = 0; i < DIGITS; i++) stamp = stamp * 10 + (uint64_t)(found[i] - '0');
    record(now > stamp ? now - stamp : 0);
    total.samples++;
    if (now < end_ns) {
        total.in_time++;
        if (window_mode) publish(connection, now_ns());
    }
}

static void take_frames(struct connection *connection, uint64_t now) {
    size_t at = 0;
    int opcode;
    uint64_t payload;
    for (;;) {
        size_t left = connection->received - at;
        size_t head = frame_head(connection->buffer + at, left, &opcode, &payload);
        if (!head || left - head < payload) break;
        if (opcode == OPCODE_TEXT)
            take_text(connection, (char *)connection->buffer + at + head, (size_t)payload, now);
        at += head + (size_t)payload;
    }
    connection->received -= at;
    if (at && connection->received)
        memmove(connection->buffer, connection->buffer + at, connection->received);
}

static void receive(int poll_fd, struct connection *connection) {
    ssize_t got = recv(connection->fd, connection->buffer + connection->received,
                       BUFFER_BYTES - connection->received, MSG_DONTWAIT);
    if (got > 0) {
        connection->received += (size_t)got;
        take_frames(connection, now_ns());
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        total.closed++;
        epoll_ctl(poll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    }
}

static void find_stamps(struct connection *connection) {
    static const char placeholder[] = "T0000000000000000000";
    char *at = connection->frame, *end = connection->frame + connection->frame_bytes;
    while (connection->stamp_count < STAMPS_MAX &&
           (at = memmem(at, (size_t)(end - at), placeholder, DIGITS + 1))) {
        connection->stamps[connection->stamp_count++] = (size_t)(at - connection->frame) + 1;
        at += DIGITS + 1;
    }
}

static void read_connections(int poll_fd) {
    uint32_t pair[2], room = 0;
    while (fread(pair, sizeof *pair, 2, stdin) == 2) {
        if (connection_count == room) {
            room = room ? room * 2 : 256;
            connections = realloc(connections, room * sizeof *connections);
            senders = realloc(senders, room * sizeof *senders);
            if (!connections || !senders) fail("load: realloc");
        }
        struct connection *connection = &connections[connection_count];
        *connection = (struct connection){.fd = (int)pair[0], .frame_bytes = pair[1]};
        connection->buffer = malloc(BUFFER_BYTES);
        connection->frame = malloc(pair[1] + 1);
        if (!connection->buffer || !connection->frame) fail("load: malloc");
        if (pair[1]) {
            if (fread(connection->frame, pair[1], 1, stdin) != 1) fail("load: stdin");
            find_stamps(connection);
            senders[sender_count++] = connection_count;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = connection_count++};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection->fd, &event)) fail("load: epoll_ctl");
    }
}

static uint64_t random_state = 0x9e3779b97f4a7c15u; /* fixed: every run has the same schedule */

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t next_distance_ns(double per_s) {
    double uniform = (double)((next_random() >> 11) + 1) / 9007199254740992.0;
    return (uint64_t)(-log(uniform) / per_s * 1e9);
}

/* Sends what is due and returns when the next message is; UINT64_MAX when none will be. */
static uint64_t send_due(double per_s, uint64_t due) {
    uint64_t now = now_ns();
    while (due <= now && due < end_ns) {
        if (now - due > total.late_max) total.late_max = now - due;
        publish(&connections[senders[next_random() % sender_count]], due);
        due += next_distance_ns(per_s);
    }
    return due < end_ns ? due : UINT64_MAX;
}

static void print_result(uint64_t began_cpu_ns) {
    printf("{\"sent\": %llu, \"samples\": %llu, \"in_time\": %llu, \"errors\": %llu, "
           "\"refused\": %llu, \"closed\": %llu, \"late_max_ns\": %llu, \"cpu_ns\": %llu, "
           "\"buckets\": [",
           (unsigned long long)total.sent, (unsigned long long)total.samples,
           (unsigned long long)total.in_time, (unsigned long long)total.errors,
           (unsigned long long)total.refused, (unsigned long long)total.closed,
           (unsigned long long)total.late_max, (unsigned long long)(cpu_ns() - began_cpu_ns));
    const char *comma = "";
    for (uint64_t i = 0; i < BUCKETS; i++) {
        if (!total.buckets[i]) continue;
        printf("%s[%llu, %llu]", comma, (unsigned long long)bucket_top(i),
               (unsigned long long)total.buckets[i]);
        comma = ", ";
    }
    printf("]}\n");
}

int main(int argc, char **argv) {
    static struct epoll_event events[EVENTS];
    if (argc != 6) {
        fprintf(stderr, "usage: load open|window RATE|IN_FLIGHT SECONDS RECEIPTS MARKER\n");
        return 2;
    }
    window_mode = !strcmp(argv[1], "window");
    double amount = atof(argv[2]);
    uint64_t receipts = strtoull(argv[4], NULL, 10);
    marker = argv[5];
    marker_bytes = strlen(marker);
    int poll_fd = epoll_create1(0);
    if (poll_fd < 0) fail("load: epoll_create1");
    read_connections(poll_fd);
    if (!sender_count) {
        fprintf(stderr, "load: no connection publishes\n");
        return 2;
    }

    uint64_t cpu = cpu_ns(), due = now_ns();
    end_ns = due + (uint64_t)(atof(argv[3]) * 1e9);
    if (window_mode) {
        for (uint32_t i = 0; i < sender_count; i++)
            for (int n = 0; n < (int)amount; n++) publish(&connections[senders[i]], now_ns());
        due = UINT64_MAX;
    }
    for (;;) {
        if (!window_mode) due = send_due(amount, due);
        uint64_t now = now_ns();
        if (now >= end_ns && total.samples + total.errors >= total.sent * receipts) break;
        if (now >= end_ns + GRACE_NS || total.closed == connection_count) break;
        uint64_t wake = due != UINT64_MAX ? due : now < end_ns ? end_ns : end_ns + GRACE_NS;
        uint64_t pause = wake > now ? wake - now : 0;
        struct timespec timeout = {(time_t)(pause / 1000000000u), (long)(pause % 1000000000u)};
        int ready = epoll_pwait2(poll_fd, events, EVENTS, &timeout, NULL);
        if (ready < 0 && errno != EINTR) fail("load: epoll_pwait2");
        for (int i = 0; i < ready; i++) receive(poll_fd, &connections[events[i].data.u32]);
    }
    print_result(cpu);
    return 0;
}
