/*
 * Failure on order. One number counts down for all harts.
 */
#include "kernel/mm/inject.h"

uint64_t inject_left;

bool inject_after(uint64_t n) {
    return __atomic_exchange_n(&inject_left, n, __ATOMIC_SEQ_CST) != 0;
}

bool inject_hit(void) {
    uint64_t left = __atomic_load_n(&inject_left, __ATOMIC_SEQ_CST);
    while (left > 0) {
        if (__atomic_compare_exchange_n(&inject_left, &left, left - 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            return left == 1;
        }
    }
    return false;
}
