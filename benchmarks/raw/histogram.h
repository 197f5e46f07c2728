/* Latencies in 64 buckets for each doubling: a bucket's top is at most 1.6 % above its samples. */
#ifndef BENCHMARKS_HISTOGRAM_H
#define BENCHMARKS_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define BUCKETS (64 * 60)

static uint64_t buckets[BUCKETS];

static inline void record(uint64_t ns) {
    int shift = ns < 128 ? 0 : 63 - __builtin_clzll(ns) - 6;
    uint64_t index = (uint64_t)shift * 64 + (ns >> shift);
    buckets[index < BUCKETS ? index : BUCKETS - 1]++;
}

static inline uint64_t bucket_top(uint64_t index) {
    if (index < 128) return index;
    uint64_t shift = index / 64 - 1;
    return ((index - shift * 64 + 1) << shift) - 1;
}

/* Prints a JSON list of [largest ns, samples], empty buckets left out. */
static inline void print_buckets(void) {
    const char *comma = "";
    printf("[");
    for (uint64_t i = 0; i < BUCKETS; i++) {
        if (!buckets[i]) continue;
        printf("%s[%llu, %llu]", comma, (unsigned long long)bucket_top(i),
               (unsigned long long)buckets[i]);
        comma = ", ";
    }
    printf("]");
}

#endif
