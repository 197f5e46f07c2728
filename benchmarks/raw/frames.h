/* The head of a WebSocket frame from a server (RFC 6455 section 5.2): unmasked, no extensions. */
#ifndef BENCHMARKS_FRAMES_H
#define BENCHMARKS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define OPCODE_TEXT 0x1
#define OPCODE_PING 0x9
#define OPCODE_PONG 0xa

/* Reads one head at `data`. Returns its size, or 0 when `length` bytes do not hold all of it. */
static inline size_t frame_head(const unsigned char *data, size_t length, int *opcode,
                                uint64_t *payload) {
    if (length < 2) return 0;
    *opcode = data[0] & 0x0f;
    uint64_t size = data[1] & 0x7f;
    size_t head = size < 126 ? 2 : size == 126 ? 4 : 10;
    if (length < head) return 0;
    if (head > 2) {
        size = 0;
        for (size_t i = 2; i < head; i++) size = size << 8 | data[i];
    }
    *payload = size;
    return head;
}

#endif
