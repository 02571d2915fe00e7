/*
 * Reading the counters. They live in struct hart.
 */
#include "kernel/counters.h"

#include "kernel/assert.h"
#include "kernel/harts.h"

#include <string.h>

static const struct {
    const char *name, *text;
} rows[COUNTER_COUNT] = {
#define X(name, text, what) {text, what},
#include "kernel/counters.def"
#undef X
};

uint64_t counters_of(uint32_t hart_index, enum counter counter) {
    assert(counter < COUNTER_COUNT);
    return __atomic_load_n(&harts_at(hart_index)->counters[counter], __ATOMIC_RELAXED);
}

uint64_t counters_sum(enum counter counter) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < harts_count(); i++) {
        sum += counters_of(i, counter);
    }
    return sum;
}

const char *counters_name(enum counter counter) {
    assert(counter < COUNTER_COUNT);
    return rows[counter].name;
}

const char *counters_text(enum counter counter) {
    assert(counter < COUNTER_COUNT);
    return rows[counter].text;
}

enum counter counters_find(const char *name) {
    unsigned i = 0;
    while (i < COUNTER_COUNT && strcmp(rows[i].name, name) != 0) {
        i++;
    }
    return (enum counter)i;
}
