/*
 * What the watchdog finds, and its reports.
 */
#include "kernel/watchdog.h"

#include "base/bits.h"
#include "kernel/counters.h"
#include "kernel/limits.h"
#include "kernel/log.h"
#include "kernel/symbols.h"
#include "kernel/thread.h"
#include "kernel/time.h"

#include <string.h>

uint64_t watchdog_limit = UINT64_MAX;

void watchdog_init(void) {
    watchdog_limit = time_ticks_from_ns(WATCHDOG_NS);
    hart_self()->look_at = arch_ticks() + watchdog_limit;
}

struct place {
    char text[96];
};

/* "spinlock_unlock+0x12 kernel/sync.h:101", or what is known of it. */
static struct place place_of(vaddr_t pc) {
    struct place place = {"user mode"};
    const char *name, *file;
    uint64_t offset;
    uint32_t line;
    if (pc == 0) {
        return place;
    }
    if (!symbols_find(pc, &name, &offset)) {
        fmt_text(place.text, sizeof(place.text), "0x%lx", (unsigned long)pc);
    } else if (symbols_find_line(pc, &file, &line)) {
        fmt_text(place.text, sizeof(place.text), "%s %s:%u", name, file, line);
    } else {
        fmt_text(place.text, sizeof(place.text), "%s+0x%lx", name, (unsigned long)offset);
    }
    return place;
}

static unsigned long ms_from(uint64_t ticks) {
    return (unsigned long)(time_ns_from_ticks(ticks) / 1000000);
}

void watchdog_report_self(uint64_t late, vaddr_t pc) {
    struct place place = place_of(pc);
    counters_add(COUNTER_STALLS, 1);
    log_warn("watchdog", "hart %u held up for %lu ms, until %s, thread \"%s\"", hart_self()->index,
             ms_from(late), place.text, thread_current()->name);
}

/* When a hart should have taken an interrupt that it has not taken; UINT64_MAX: it has. */
static uint64_t overdue_since(const struct hart *hart) {
    uint64_t timer_at = __atomic_load_n(&hart->timer_at, __ATOMIC_RELAXED);
    uint64_t called_at = __atomic_load_n(&hart->called_at, __ATOMIC_RELAXED);
    timer_at = timer_at ? timer_at : UINT64_MAX; /* it is being set */
    called_at = called_at ? called_at : UINT64_MAX;
    return timer_at < called_at ? timer_at : called_at;
}

static void report_other(const struct hart *hart, uint64_t late) {
    vaddr_t waits_at = __atomic_load_n(&hart->waits_at, __ATOMIC_RELAXED);
    counters_add(COUNTER_STALLS, 1);
    if (waits_at) {
        struct place place = place_of(waits_at);
        log_warn("watchdog", "hart %u takes no interrupt for %lu ms, waits for a lock in %s",
                 hart->index, ms_from(late), place.text);
    } else {
        log_warn("watchdog", "hart %u takes no interrupt for %lu ms", hart->index, ms_from(late));
    }
}

/* Each stall once: it is known by its beginning. */
void watchdog_look(struct hart *self, uint64_t now) {
    uint64_t online = harts_online_mask() & ~(UINT64_C(1) << self->index);
    self->look_at = now + watchdog_limit / 4;
    for (; online; online &= online - 1) {
        struct hart *hart = harts_at(bits_lowest(online));
        uint64_t since = overdue_since(hart);
        uint64_t told = __atomic_load_n(&hart->stall_told, __ATOMIC_RELAXED);
        if (since < now && now - since > watchdog_limit && since != told &&
            __atomic_compare_exchange_n(&hart->stall_told, &told, since, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            report_other(hart, now - since);
        }
    }
}
