/* Publishes over joined connections and measures how long each answer takes, with little CPU.
 *
 * usage: load MODE AMOUNT SECONDS RECEIPTS MARKER [PING PONG]
 *
 * stdin: for each connection a 4-byte fd, a 4-byte length (host order) and that many bytes: the
 * frame it publishes, with a zero masking key; length 0 means that it only receives. Each "T" and
 * 19 zeros in a frame is replaced by "T" and the nanoseconds of the monotonic clock: in mode open
 * of the moment the message was due, otherwise of the moment it was sent.
 *
 * A received text frame that contains MARKER (which ends in T) is a sample: now minus the
 * nanoseconds after it. A message is published by a random connection and causes RECEIPTS samples.
 *
 * MODE open: AMOUNT messages per second are due at exponentially distributed distances, whether or
 *   not earlier ones have arrived.
 * MODE flood: the next message is sent as soon as the samples of fewer than AMOUNT are missing.
 * MODE window: each connection has AMOUNT messages of its own in flight, a sample lets the
 *   connection that received it publish again; RECEIPTS is 1.
 *
 * A WebSocket ping is answered, and the text PING with the text PONG: the keep-alive of protocols
 * that have their own.
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
#include "histogram.h"

#define EVENTS 512
#define BUFFER_BYTES 65536
#define DIGITS 19
#define STAMPS_MAX 4
#define GRACE_NS 10000000000u /* for what is still on its way when the time is over */

struct connection {
    int fd;
    uint32_t frame_bytes;
    char *frame;
    size_t stamps[STAMPS_MAX];
    int stamp_count;
    unsigned char *rest; /* the part of a frame that came before a read's end */
    size_t rest_bytes;
};

static struct {
    uint64_t sent, samples, in_time, errors, refused, closed, late_max;
} total;

static struct connection *connections;
static uint32_t *senders;
static uint32_t connection_count, sender_count;
static const char *marker;
static size_t marker_bytes;
static const char *keepalive_ping = "", *keepalive_pong = "";
static enum { OPEN, FLOOD, WINDOW } mode;
static uint64_t end_ns;

static uint64_t random_state = 0x9e3779b97f4a7c15u; /* fixed: every run has the same schedule */

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
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

static void answer(struct connection *connection, int opcode, const char *payload, size_t length) {
    unsigned char frame[6 + 125] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | length)};
    if (length > 125) return;
    memcpy(frame + 6, payload, length);
    if (send(connection->fd, frame, 6 + length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) total.refused++;
}

static void take_other_text(struct connection *connection, const char *text, size_t length) {
    static int shown;
    if (length && length == strlen(keepalive_ping) && !memcmp(text, keepalive_ping, length)) {
        answer(connection, OPCODE_TEXT, keepalive_pong, strlen(keepalive_pong));
    } else if (memmem(text, length, "\"type\":\"error\"", 14)) {
        if (!shown++) fprintf(stderr, "load: %.*s\n", (int)length, text);
        total.errors++;
    }
}

static void take_text(struct connection *connection, const char *text, size_t length,
                      uint64_t now) {
    const char *found = memmem(text, length, marker, marker_bytes);
    if (!found || found + marker_bytes + DIGITS > text + length) {
        take_other_text(connection, text, length);
        return;
    }
    uint64_t stamp = 0;
    found += marker_bytes;
    for (int i = 0; i < DIGITS; i++) stamp = stamp * 10 + (uint64_t)(found[i] - '0');
    record(now > stamp ? now - stamp : 0);
    total.samples++;
    if (now < end_ns) {
        total.in_time++;
        if (mode == WINDOW) publish(connection, now_ns());
    }
}

/* Takes the whole frames at the start of `data` and returns how many bytes they are. */
static size_t take_frames(struct connection *connection, const unsigned char *data, size_t length,
                          uint64_t now) {
    size_t at = 0, head;
    int opcode;
    uint64_t payload;
    while ((head = frame_head(data + at, length - at, &opcode, &payload)) &&
           length - at - head >= payload) {
        const char *text = (const char *)data + at + head;
        if (opcode == OPCODE_TEXT) take_text(connection, text, (size_t)payload, now);
        if (opcode == OPCODE_PING) answer(connection, OPCODE_PONG, text, (size_t)payload);
        at += head + (size_t)payload;
    }
    return at;
}

/* All connections share one buffer, so that it stays in the processor's cache; what is left of a
 * frame waits with its connection. */
static void receive(int poll_fd, struct connection *connection) {
    static unsigned char buffer[BUFFER_BYTES];
    size_t rest = connection->rest_bytes;
    ssize_t got = recv(connection->fd, buffer + rest, BUFFER_BYTES - rest, MSG_DONTWAIT);
    if (got > 0) {
        if (rest) memcpy(buffer, connection->rest, rest);
        size_t length = rest + (size_t)got;
        size_t taken = take_frames(connection, buffer, length, now_ns());
        connection->rest_bytes = length - taken;
        if (connection->rest_bytes) {
            connection->rest = realloc(connection->rest, connection->rest_bytes);
            if (!connection->rest) fail("load: realloc");
            memcpy(connection->rest, buffer + taken, connection->rest_bytes);
        }
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
        if (pair[1]) {
            connection->frame = malloc(pair[1]);
            if (!connection->frame) fail("load: malloc");
            if (fread(connection->frame, pair[1], 1, stdin) != 1) fail("load: stdin");
            find_stamps(connection);
            senders[sender_count++] = connection_count;
        }
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = connection_count++};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection->fd, &event)) fail("load: epoll_ctl");
    }
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

/* Sends until as many messages are on their way as wanted, or a server does not take them. */
static void send_until_full(uint64_t in_flight, uint64_t receipts) {
    uint64_t refused = total.refused;
    while (total.refused == refused && total.samples + in_flight * receipts > total.sent * receipts)
        publish(&connections[senders[next_random() % sender_count]], now_ns());
}

static void print_result(uint64_t began_cpu_ns) {
    printf("{\"sent\": %llu, \"samples\": %llu, \"in_time\": %llu, \"errors\": %llu, "
           "\"refused\": %llu, \"closed\": %llu, \"late_max_ns\": %llu, \"cpu_ns\": %llu, "
           "\"buckets\": ",
           (unsigned long long)total.sent, (unsigned long long)total.samples,
           (unsigned long long)total.in_time, (unsigned long long)total.errors,
           (unsigned long long)total.refused, (unsigned long long)total.closed,
           (unsigned long long)total.late_max, (unsigned long long)(cpu_ns() - began_cpu_ns));
    print_buckets();
    printf("}\n");
}

int main(int argc, char **argv) {
    static struct epoll_event events[EVENTS];
    if (argc != 6 && argc != 8) {
        fprintf(stderr, "usage: load open|flood|window AMOUNT SECONDS RECEIPTS MARKER [PING PONG]\n");
        return 2;
    }
    mode = !strcmp(argv[1], "window") ? WINDOW : !strcmp(argv[1], "flood") ? FLOOD : OPEN;
    double amount = atof(argv[2]);
    uint64_t receipts = strtoull(argv[4], NULL, 10);
    marker = argv[5];
    marker_bytes = strlen(marker);
    if (argc == 8) {
        keepalive_ping = argv[6];
        keepalive_pong = argv[7];
    }
    int poll_fd = epoll_create1(0);
    if (poll_fd < 0) fail("load: epoll_create1");
    read_connections(poll_fd);
    if (!sender_count) {
        fprintf(stderr, "load: no connection publishes\n");
        return 2;
    }

    uint64_t cpu = cpu_ns(), due = now_ns();
    end_ns = due + (uint64_t)(atof(argv[3]) * 1e9);
    if (mode == WINDOW)
        for (uint32_t i = 0; i < sender_count; i++)
            for (int n = 0; n < (int)amount; n++) publish(&connections[senders[i]], now_ns());
    if (mode != OPEN) due = UINT64_MAX;
    for (;;) {
        if (mode == OPEN) due = send_due(amount, due);
        if (mode == FLOOD && now_ns() < end_ns) send_until_full((uint64_t)amount, receipts);
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
