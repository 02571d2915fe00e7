/*
 * Guests of random instructions with random registers, thousands of them: each ends in a fault, a
 * call or by being killed, and nothing but its own space has changed.
 *
 * QEMU: -smp 2
 * QEMU: -smp 2 -cpu rv64,v=true
 * TIMEOUT: 60
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/dice.h"
#include "test/support/payload.h"

#include <string.h>

enum { PROGRAMS = 4000, WORDS = 512, CALLS = 20, CANARY_PAGES = 64 };

static struct space *space;
static vaddr_t code, data;
static volatile uint32_t program;
static volatile int done;
static unsigned unpublished;
static struct user_regs regs;
static uint64_t exits[USER_EXIT_KILLED + 1];

/* Major opcodes of 32-bit instructions, so that not nearly all words are illegal. */
static const uint8_t opcodes[] = {0x03, 0x13, 0x17, 0x1b, 0x23, 0x33, 0x37, 0x3b, 0x63, 0x67,
                                  0x6f, 0x73, 0x0f, 0x2f, 0x07, 0x27, 0x53, 0x43, 0x57};

static uint32_t random_word(void) {
    uint64_t dice = dice_roll();
    uint32_t word = (uint32_t)dice;
    if (dice >> 59 == 0) {
        return 0x00000073; /* ecall */
    }
    if (dice >> 62 == 0) {
        return word;
    }
    return (word & ~0x7fu) | opcodes[(dice >> 32) % sizeof(opcodes)];
}

static void write_program(void) {
    static uint32_t words[WORDS];
    for (unsigned i = 0; i < WORDS; i++) {
        words[i] = random_word();
    }
    if (space_publish_code(space, code, words, sizeof(words)) != STATUS_OK) {
        unpublished++;
    }
}

/* Addresses that matter, numbers that are borders, and anything. */
static uint64_t random_value(void) {
    uint64_t dice = dice_roll();
    switch (dice % 8) {
    case 0:
        return data + (dice >> 32) % (4 * PAGE_SIZE);
    case 1:
        return code + (dice >> 32) % PAGE_SIZE;
    case 2:
        return (vaddr_t)&harts_boot_info + (dice >> 32) % PAGE_SIZE;
    case 3:
        return harts_boot_info.physmap + (dice >> 16);
    case 4:
        return (vaddr_t)thread_current() + (dice >> 32) % PAGE_SIZE;
    case 5:
        return ~(uint64_t)0 << (dice >> 32) % 64;
    default:
        return dice;
    }
}

static void run_program(void) {
    struct thread *self = thread_current();
    self->kill = false;
    user_regs_init(&regs, code, 0);
    for (unsigned i = 1; i < 32; i++) {
        regs.x[i] = random_value();
    }
    for (unsigned call = 0; call < CALLS; call++) {
        enum user_exit exit = thread_run_user(&regs);
        exits[exit]++;
        if (exit != USER_EXIT_CALL && exit != USER_EXIT_ILLEGAL && exit != USER_EXIT_BREAKPOINT) {
            /* Over the instruction that it cannot have. */
            if (exit == USER_EXIT_KILLED || regs.pc - code >= sizeof(uint32_t) * WORDS) {
                return;
            }
        }
        if (exit != USER_EXIT_CALL) {
            regs.pc = (regs.pc & ~3ul) + 4;
        }
    }
}

static void run_programs(void *arg) {
    (void)arg;
    while (program < PROGRAMS) {
        if (program % 8 == 0) {
            write_program();
        }
        run_program();
        thread_sync_user(&regs);
        program++;
    }
    done = 1;
}

static bool canaries_intact(uint32_t *const *pages) {
    for (unsigned i = 0; i < CANARY_PAGES; i++) {
        for (unsigned k = 0; k < PAGE_SIZE / 4; k++) {
            if (pages[i][k] != i * 7919 + k) {
                return false;
            }
        }
    }
    return true;
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    static uint32_t *pages[CANARY_PAGES];
    struct thread *thread;
    machine_init(hart, info);
    payload_begin(info);
    dice_begin();
    for (unsigned i = 0; i < CANARY_PAGES; i++) {
        pages[i] = heap_alloc(PAGE_SIZE);
        for (unsigned k = 0; k < PAGE_SIZE / 4; k++) {
            pages[i][k] = i * 7919 + k;
        }
    }
    PAYLOAD_CHECK_EQ(space_new(100, &space), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, PAGE_SIZE, 0, &code), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, 4 * PAGE_SIZE, 0, &data), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, data, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(thread_start("hostile", run_programs, NULL, space, &thread), STATUS_OK);
    while (!done) {
        uint32_t seen = program;
        thread_sleep_ns(3000000);
        if (program == seen) {
            thread_kill(thread);
        }
    }
    thread_join(thread);
    PAYLOAD_CHECK_EQ(program, PROGRAMS);
    PAYLOAD_CHECK_EQ(unpublished, 0);
    PAYLOAD_CHECK(canaries_intact(pages));
    PAYLOAD_CHECK(space_frames(space) <= 100);
    space_free(space);
    for (unsigned i = 0; i <= USER_EXIT_KILLED; i++) {
        payload_print("# %6llu %s\n", (unsigned long long)exits[i],
                      thread_exit_text((enum user_exit)i));
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
