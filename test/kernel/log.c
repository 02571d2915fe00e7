/*
 * The log from several threads at once, with interrupts on and off, more than the ring holds; and
 * what it writes before the machine goes off.
 *
 * QEMU: -append log=debug
 * QEMU: -smp 4 -append log=debug
 * EXPECT: test] thread 0 line 399 of 400
 * EXPECT: test] thread 3 line 399 of 400
 * EXPECT: test] a debug line
 * EXPECT: a text with no line about it
 * EXPECT: test] the last word
 */
#include "kernel/log.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/power.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "test/support/payload.h"

#include <string.h>

enum { THREADS = 4, LINES = 400 };

static void flood(void *arg) {
    long number = (long)arg;
    for (int i = 0; i < LINES; i++) {
        if (i % 16 == 3) {
            irq_state_t irq = arch_irq_save();
            log_info("test", "thread %ld line %d of %d, with interrupts off", number, i, LINES);
            arch_irq_restore(irq);
        } else {
            log_info("test", "thread %ld line %d of %d, %0200d", number, i, LINES, i);
        }
        if (i % 7 == number) {
            sched_yield();
        }
    }
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    static const char text[] = "a text with no line about it\n";
    struct thread *threads[THREADS];
    payload_begin(info);
    machine_init(hart, info);
    for (long i = 0; i < THREADS; i++) {
        PAYLOAD_CHECK_EQ(thread_start("flood", flood, (void *)i, NULL, &threads[i]), STATUS_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        thread_join(threads[i]);
    }
    log_debug("test", "a debug line");
    log_text(text, strlen(text));
    log_flush();
    payload_print("1..4\n4 passed, 0 failed, 0 skipped\n");
    arch_irq_off();
    log_info("test", "the last word");
    power_off(0);
}

LOADER_ENTRY(test, .stack_pages = 16);
