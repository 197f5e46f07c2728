/* The floor that fan-out is measured against: one prebuilt frame, send() to each socket, repeat.
 *
 * usage: send_loop FRAME_BYTES ROUNDS FD...      (connected, blocking sockets, inherited)
 * Prints {"sends": n, "wall_ns": n, "cpu_ns": n}. The frame is a WebSocket text frame, so that the
 * same drain counts it as it counts the chat server's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

static unsigned char *build_frame(size_t size) {
    unsigned char *frame = malloc(size);
    if (!frame || size < 10 || size > 65535) {
        fprintf(stderr, "send_loop: a frame has 10 to 65535 bytes\n");
        exit(2);
    }
    memset(frame, 'x', size);
    frame[0] = 0x81;
    if (size - 2 < 126) {
        frame[1] = (unsigned char)(size - 2);
    } else {
        frame[1] = 126;
        frame[2] = (unsigned char)((size - 4) >> 8);
        frame[3] = (unsigned char)((size - 4) & 0xff);
    }
    return frame;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: send_loop FRAME_BYTES ROUNDS FD...\n");
        return 2;
    }
    size_t size = strtoul(argv[1], NULL, 10);
    long rounds = strtol(argv[2], NULL, 10);
    int count = argc - 3;
    int *fds = malloc(sizeof *fds * (size_t)count);
    if (!fds) return 1;
    for (int i = 0; i < count; i++) fds[i] = atoi(argv[3 + i]);
    unsigned char *frame = build_frame(size);

    uint64_t wall = now_ns(), cpu = cpu_ns();
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < count; i++) {
            if (send(fds[i], frame, size, MSG_NOSIGNAL) != (ssize_t)size) {
                perror("send_loop: send");
                return 1;
            }
        }
    }
    printf("{\"sends\": %ld, \"wall_ns\": %llu, \"cpu_ns\": %llu}\n", rounds * count,
           (unsigned long long)(now_ns() - wall), (unsigned long long)(cpu_ns() - cpu));
    return 0;
}
