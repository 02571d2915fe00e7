/*
 * Address spaces without a guest: what is reserved, protected, committed, copied, published, and
 * that every frame comes back.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4 -m 64M
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
#include "kernel/random.h"
#include "kernel/riscv64/asm.h"
#include "kernel/thread.h"
#include "test/support/dice.h"
#include "test/support/payload.h"

#include <string.h>

#define GIB (1ul << 30)

static struct space *space;

static unsigned prot_at(vaddr_t addr) {
    unsigned prot;
    vaddr_t start, end;
    return space_query(space, addr, &prot, &start, &end) == STATUS_OK ? prot : 99;
}

static void test_reserve(void) {
    vaddr_t a, b, c;
    uint64_t frames = space_frames(space);
    PAYLOAD_CHECK_EQ(space_reserve(space, 8 * GIB, GIB, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, 8 * GIB, 0, &b), STATUS_OK);
    PAYLOAD_CHECK_EQ(a % GIB, 0);
    PAYLOAD_CHECK(a >= ARCH_USER_START && a + 8 * GIB <= arch_user_end());
    PAYLOAD_CHECK(b + 8 * GIB <= a || a + 8 * GIB <= b);
    PAYLOAD_CHECK_EQ(space_frames(space), frames);
    PAYLOAD_CHECK_EQ(space_reserve_at(space, a + PAGE_SIZE, PAGE_SIZE), STATUS_EXISTS);
    PAYLOAD_CHECK_EQ(space_reserve_at(space, 0, PAGE_SIZE), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_reserve_at(space, arch_user_end() - PAGE_SIZE, 2 * PAGE_SIZE),
                     STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_reserve(space, space_max_size() + PAGE_SIZE, 0, &c), STATUS_NO_SPACE);
    PAYLOAD_CHECK_EQ(space_reserve(space, 12, 0, &c), STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(space_unmap(space, a, 8 * GIB), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_unmap(space, b, 8 * GIB), STATUS_OK);
    PAYLOAD_CHECK_EQ(prot_at(a), 99);
}

/* As a WebAssembly memory grows inside its reservation. */
static void test_grow(void) {
    vaddr_t a;
    char bytes[100];
    PAYLOAD_CHECK_EQ(space_reserve(space, 6 * GIB, 0, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a, "x", 1), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_protect(space, a, 65536, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a + 4090, "hello, page!", 12), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 4080, 100), STATUS_OK);
    PAYLOAD_CHECK(!memcmp(bytes + 10, "hello, page!", 12) && bytes[0] == 0 && bytes[99] == 0);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a + 65530, "over the end", 12), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_protect(space, a + 65536, 65536, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a + 65530, "over the end", 12), STATUS_OK);
    vaddr_t start, end;
    unsigned prot;
    PAYLOAD_CHECK_EQ(space_query(space, a + 70000, &prot, &start, &end), STATUS_OK);
    PAYLOAD_CHECK(start == a && end == a + 131072);
    PAYLOAD_CHECK_EQ(space_protect(space, a, PAGE_SIZE, PROT_READ), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a, "x", 1), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_protect(space, a, PAGE_SIZE, PROT_NONE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 4090, 6), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_protect(space, a, PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 4090, 12), STATUS_OK);
    PAYLOAD_CHECK(!memcmp(bytes, "hello, page!", 12));
    PAYLOAD_CHECK_EQ(space_protect(space, a, PAGE_SIZE, PROT_READ | PROT_EXECUTE),
                     STATUS_BAD_ARGUMENT);
    PAYLOAD_CHECK_EQ(space_decommit(space, a, 131072), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, a, 131072, PROT_READ), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 4090, 12), STATUS_OK);
    PAYLOAD_CHECK_EQ(bytes[0], 0);
    PAYLOAD_CHECK_EQ(space_unmap(space, a, 6 * GIB), STATUS_OK);
}

static void test_code(void) {
    vaddr_t a;
    char bytes[8];
    PAYLOAD_CHECK_EQ(space_reserve(space, 16 * PAGE_SIZE, 0, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, a + 4094, "code", 4), STATUS_OK);
    PAYLOAD_CHECK_EQ(prot_at(a), PROT_READ | PROT_EXECUTE);
    PAYLOAD_CHECK_EQ(prot_at(a + 2 * PAGE_SIZE), PROT_NONE);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 4094, 4), STATUS_OK);
    PAYLOAD_CHECK(!memcmp(bytes, "code", 4));
    PAYLOAD_CHECK_EQ(space_copy_out(space, a, "x", 1), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_publish_code(space, a + 4098, "more", 4), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 4096, 6), STATUS_OK);
    PAYLOAD_CHECK(!memcmp(bytes, "demore", 6));
    PAYLOAD_CHECK_EQ(space_protect(space, a, PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_protect(space, a + 3 * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE),
                     STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, a + 3 * PAGE_SIZE, "no", 2), STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_publish_code(space, a + 15 * PAGE_SIZE, bytes, 2 * PAGE_SIZE),
                     STATUS_BAD_RANGE);
    PAYLOAD_CHECK_EQ(space_unmap(space, a, 16 * PAGE_SIZE), STATUS_OK);
}

static void test_wired(void) {
    vaddr_t a;
    void *alias = NULL;
    char byte = 0;
    PAYLOAD_CHECK_EQ(space_reserve(space, 64 * PAGE_SIZE, 0, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_commit_wired(space, a, 40 * PAGE_SIZE, PROT_READ | PROT_WRITE, &alias),
                     STATUS_OK);
    ((char *)alias)[39 * PAGE_SIZE] = 42;
    PAYLOAD_CHECK_EQ(space_copy_in(space, &byte, a + 39 * PAGE_SIZE, 1), STATUS_OK);
    PAYLOAD_CHECK_EQ(byte, 42);
    PAYLOAD_CHECK_EQ(space_commit_wired(space, a, PAGE_SIZE, PROT_READ, &alias), STATUS_EXISTS);
    PAYLOAD_CHECK_EQ(space_commit(space, a + 40 * PAGE_SIZE, 24 * PAGE_SIZE, PROT_READ), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_in(space, &byte, a + 50 * PAGE_SIZE + 1, 1), STATUS_OK);
    PAYLOAD_CHECK_EQ(byte, 0);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a + 50 * PAGE_SIZE, &byte, 1), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_unmap(space, a, 64 * PAGE_SIZE), STATUS_OK);
}

/* All alignments and sizes around a page's end, into the active space and another, against memcpy(). */
static unsigned copy_wrongly(vaddr_t page) {
    enum { SIZE = 100, AROUND = 24 };
    static char from[SIZE + AROUND], back[SIZE + AROUND], guest[SIZE + AROUND + 8];
    unsigned wrong = 0;
    random_bytes(from, sizeof(from));
    for (size_t offset = 0; offset < 8; offset++) {
        for (size_t skip = 0; skip < 8; skip++) {
            for (size_t size = 0; size <= SIZE; size++) {
                vaddr_t to = page + PAGE_SIZE - 64 + offset;
                memset(guest, 7, sizeof(guest));
                wrong += space_copy_out(space, to - 8, guest, size + 16) != STATUS_OK;
                wrong += space_copy_out(space, to, from + skip, size) != STATUS_OK;
                wrong += space_copy_in(space, back + skip, to, size) != STATUS_OK;
                wrong += memcmp(back + skip, from + skip, size) != 0;
                wrong += space_copy_in(space, guest, to - 8, size + 16) != STATUS_OK;
                wrong += guest[7] != 7 || guest[8 + size] != 7;
                wrong += memcmp(guest + 8, from + skip, size) != 0;
            }
        }
    }
    return wrong;
}

static void test_copy_limits(vaddr_t a) {
    static char bytes[3 * PAGE_SIZE];
    vaddr_t kernel = (vaddr_t)bytes;
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, kernel, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_out(space, kernel, bytes, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, harts_boot_info.physmap, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, ~0ul, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, 0, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, 1ul << 62, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, arch_user_end() - 4, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, kernel, 0), STATUS_OK);
    PAYLOAD_CHECK(!space_copy_try_in(space, bytes, a, 0 - a + 8));
    PAYLOAD_CHECK(!space_copy_try_out(space, a, bytes, 1ul << 63));
    PAYLOAD_CHECK_EQ(space_copy_out(space, a + PAGE_SIZE, bytes, 2 * PAGE_SIZE), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_protect(space, a, PAGE_SIZE, PROT_READ), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_copy_out(space, a + 16, bytes, 8), STATUS_FAULT);
    PAYLOAD_CHECK_EQ(space_copy_in(space, bytes, a + 16, 8), STATUS_OK);
}

/* With interrupts off, and what cannot be done at once left to others. */
static void test_copy_at_once(vaddr_t a) {
    uint64_t word = 0;
    uint64_t frames = space_frames(space);
    irq_state_t irq = arch_irq_save();
    PAYLOAD_CHECK(!space_copy_try_out(space, a, &word, 8));
    PAYLOAD_CHECK(!arch_irq_enabled());
    PAYLOAD_CHECK_EQ(space_frames(space), frames);
    arch_irq_restore(irq);
    word = 42;
    PAYLOAD_CHECK_EQ(space_copy_out(space, a, &word, 8), STATUS_OK);
    word = 0;
    irq = arch_irq_save();
    PAYLOAD_CHECK(space_copy_try_in(space, &word, a, 8));
    arch_irq_restore(irq);
    PAYLOAD_CHECK_EQ(word, 42);
    /* The kernel itself cannot reach it by that address: SUM is off again, after faults too. */
    PAYLOAD_CHECK(!probe_load((const uint64_t *)a, &word));
    thread_set_space(NULL);
    PAYLOAD_CHECK(!space_copy_try_in(space, &word, a, 8));
    PAYLOAD_CHECK_EQ(space_copy_in(space, &word, a, 8), STATUS_OK);
    thread_set_space(space);
}

static void test_copies(void) {
    vaddr_t a;
    PAYLOAD_CHECK_EQ(space_reserve(space, 3 * PAGE_SIZE, 0, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, a, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(copy_wrongly(a), 0);
    PAYLOAD_CHECK_EQ(space_decommit(space, a, 2 * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, a, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_OK);
    thread_set_space(space);
    test_copy_at_once(a);
    PAYLOAD_CHECK_EQ(copy_wrongly(a), 0);
    test_copy_limits(a);
    thread_set_space(NULL);
    PAYLOAD_CHECK_EQ(space_unmap(space, a, 3 * PAGE_SIZE), STATUS_OK);
}

/* Copies that are interrupted and preempted, each thread in a space of its own. */
enum { COPIERS = 3, COPY_SIZE = 1 << 18, COPY_ROUNDS = 3 };
static unsigned copy_errors;

static void copy_on(void *arg) {
    vaddr_t at = *(vaddr_t *)arg;
    struct space *own = thread_current()->space;
    uint64_t *words = heap_alloc(COPY_SIZE);
    unsigned wrong = !words;
    for (uint64_t round = 0; words && round < COPY_ROUNDS; round++) {
        for (size_t i = 0; i < COPY_SIZE / 8; i++) {
            words[i] = at + i * round;
        }
        wrong += space_copy_out(own, at + round % 8, words, COPY_SIZE) != STATUS_OK;
        memset(words, 0, COPY_SIZE);
        wrong += space_copy_in(own, words, at + round % 8, COPY_SIZE) != STATUS_OK;
        for (size_t i = 0; i < COPY_SIZE / 8; i++) {
            wrong += words[i] != at + i * round;
        }
        wrong += space_decommit(own, at + PAGE_SIZE, COPY_SIZE) != STATUS_OK;
        wrong += space_protect(own, at, COPY_SIZE + PAGE_SIZE, PROT_READ | PROT_WRITE) != STATUS_OK;
    }
    heap_free(words);
    __atomic_fetch_add(&copy_errors, wrong, __ATOMIC_RELAXED);
}

static void test_preempted_copies(void) {
    struct space *spaces[COPIERS];
    struct thread *threads[COPIERS];
    vaddr_t at[COPIERS];
    for (int i = 0; i < COPIERS; i++) {
        PAYLOAD_CHECK_EQ(space_new(1000, &spaces[i]), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_reserve(spaces[i], COPY_SIZE + PAGE_SIZE, 0, &at[i]), STATUS_OK);
        PAYLOAD_CHECK_EQ(
            space_protect(spaces[i], at[i], COPY_SIZE + PAGE_SIZE, PROT_READ | PROT_WRITE),
            STATUS_OK);
        PAYLOAD_CHECK_EQ(thread_start("copier", copy_on, &at[i], spaces[i], &threads[i]),
                         STATUS_OK);
    }
    for (int i = 0; i < COPIERS; i++) {
        thread_join(threads[i]);
        space_free(spaces[i]);
    }
    PAYLOAD_CHECK_EQ(copy_errors, 0);
}

/* A sweep makes pages ahead, a sparse program's touches do not; never past the region, never more than
 * the quota bears. */
static void test_fault_around(void) {
    vaddr_t a;
    struct space *small;
    enum { PAGES = 100, SPARSE = 8 };
    PAYLOAD_CHECK_EQ(space_new(PAGES + 60, &small), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(small, GIB, GIB, &a), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(small, a, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_fault(small, a, PROT_WRITE), STATUS_OK);
    uint64_t first = space_frames(small);
    for (size_t i = 1; i < PAGES; i++) {
        PAYLOAD_CHECK_EQ(space_fault(small, a + i * PAGE_SIZE, PROT_WRITE), STATUS_OK);
        if (i == 10) {
            PAYLOAD_CHECK_EQ(space_frames(small), first + 14); /* 1 + 2 + 4 + 8 pages */
        }
    }
    PAYLOAD_CHECK_EQ(space_frames(small), first + PAGES - 1);
    PAYLOAD_CHECK_EQ(space_decommit(small, a, PAGES * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(small, a, 2 * PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE),
                     STATUS_OK);
    for (size_t i = 0; i < SPARSE; i++) {
        PAYLOAD_CHECK_EQ(space_fault(small, a + (2 * i + 1) * PAGE_SIZE, PROT_WRITE), STATUS_OK);
    }
    PAYLOAD_CHECK_EQ(space_frames(small), first + SPARSE - 1);
    status_t status = STATUS_OK;
    for (size_t i = 20; i < 2 * PAGES && status == STATUS_OK; i++) {
        status = space_fault(small, a + i * PAGE_SIZE, PROT_WRITE);
    }
    PAYLOAD_CHECK_EQ(status, STATUS_NO_MEMORY);
    PAYLOAD_CHECK_EQ(space_frames(small),
                     PAGES + 60 - 1); /* a region's struct is in the last one */
    space_free(small);
}

/* Large pages: changes of parts of them, against a model of a byte a page. */
static void test_large(void) {
    enum { LARGE = 512, PAGES = 3 * LARGE, ROUNDS = 600, RW = PROT_READ | PROT_WRITE };
    static uint8_t prot[PAGES], value[PAGES];
    unsigned wrong = 0;
    vaddr_t a;
    PAYLOAD_CHECK_EQ(space_reserve(space, PAGES * PAGE_SIZE, ARCH_LARGE_SIZE, &a), STATUS_OK);
    uint64_t before = space_frames(space);
    PAYLOAD_CHECK_EQ(space_commit(space, a, PAGES * PAGE_SIZE, RW), STATUS_OK);
    /* One table kept for each large page, and those above: in Sv57 three, or six across a border. */
    PAYLOAD_CHECK(space_frames(space) - before <= PAGES + 3 + 6);
    memset(prot, RW, sizeof(prot));
    memset(value, 0, sizeof(value));
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t dice = dice_roll();
        size_t first = (dice >> 8) % PAGES, len = (dice >> 24) % (PAGES - first) % 300 + 1;
        unsigned to = dice >> 60 & 1 ? PROT_READ : RW;
        if (dice % 8 == 0) {
            first = first / LARGE * LARGE;
            len = LARGE;
        }
        vaddr_t addr = a + first * PAGE_SIZE;
        switch (dice % 5) {
        case 0:
            wrong += space_protect(space, addr, len * PAGE_SIZE, to) != STATUS_OK;
            memset(prot + first, (int)to, len);
            break;
        case 1:
            wrong += space_decommit(space, addr, len * PAGE_SIZE) != STATUS_OK;
            memset(prot + first, PROT_NONE, len);
            memset(value + first, 0, len);
            break;
        case 2:
            wrong += space_commit(space, addr, len * PAGE_SIZE, RW) != STATUS_OK;
            memset(prot + first, RW, len);
            break;
        default:
            for (size_t i = first; i < first + len; i++) {
                vaddr_t at = a + i * PAGE_SIZE + 100;
                uint8_t byte = 0;
                status_t want = prot[i] & PROT_READ ? STATUS_OK : STATUS_FAULT;
                wrong += space_copy_in(space, &byte, at, 1) != want || byte != value[i];
                want = prot[i] & PROT_WRITE ? STATUS_OK : STATUS_FAULT;
                byte = (uint8_t)(value[i] + 1);
                wrong += space_copy_out(space, at, &byte, 1) != want;
                value[i] = want == STATUS_OK ? byte : value[i];
            }
        }
    }
    PAYLOAD_CHECK_EQ(wrong, 0);
    PAYLOAD_CHECK_EQ(space_unmap(space, a + 5 * PAGE_SIZE, LARGE * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_unmap(space, a, PAGES * PAGE_SIZE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_frames(space), before);
}

/* After 2 MiB one after the other, a touch makes 2 MiB at once; they begin `offset` behind the border of a
 * GiB, behind which more tables are due. */
static void test_long_sweep(size_t offset) {
    enum { LARGE = 512, RW = PROT_READ | PROT_WRITE };
    vaddr_t reserved;
    PAYLOAD_CHECK_EQ(space_reserve(space, 2 * GIB, GIB, &reserved), STATUS_OK);
    vaddr_t a = reserved + offset;
    uint64_t more = a / GIB == (a + ARCH_LARGE_SIZE) / GIB ? 0 : 3;
    PAYLOAD_CHECK_EQ(space_protect(space, a, 3 * ARCH_LARGE_SIZE, RW), STATUS_OK);
    uint64_t before = space_frames(space);
    for (size_t i = 0; i < LARGE; i++) {
        PAYLOAD_CHECK_EQ(space_fault(space, a + i * PAGE_SIZE, PROT_WRITE), STATUS_OK);
    }
    PAYLOAD_CHECK(space_frames(space) - before <= LARGE + 4);
    PAYLOAD_CHECK_EQ(space_fault(space, a + ARCH_LARGE_SIZE, PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK(space_frames(space) - before >= 2 * LARGE);
    PAYLOAD_CHECK(space_frames(space) - before <= 2 * LARGE + 5 + more);
    PAYLOAD_CHECK_EQ(space_unmap(space, reserved, 2 * GIB), STATUS_OK);
}

/* Wherever the next page table is due, all of the quota can be had, and no more: of the last page a part
 * is for the regions, and one page is no use where a table is due. */
static void test_quota(void) {
    enum { LIMIT = 40 };
    static char bytes[2 * LIMIT * PAGE_SIZE];
    for (size_t before = 0; before <= LIMIT; before++) {
        struct space *small;
        vaddr_t a;
        PAYLOAD_CHECK_EQ(space_new(LIMIT, &small), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_reserve(small, GIB, GIB, &a), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_protect(small, a, GIB, PROT_READ | PROT_WRITE), STATUS_OK);
        vaddr_t to = a + ARCH_LARGE_SIZE - before * PAGE_SIZE;
        PAYLOAD_CHECK_EQ(space_copy_out(small, to, bytes, sizeof(bytes)), STATUS_NO_MEMORY);
        PAYLOAD_CHECK(space_frames(small) >= LIMIT - 2 && space_frames(small) < LIMIT);
        PAYLOAD_CHECK_EQ(space_fault(small, a + GIB / 2, PROT_WRITE), STATUS_NO_MEMORY);
        PAYLOAD_CHECK_EQ(space_decommit(small, a, GIB), STATUS_OK);
        PAYLOAD_CHECK_EQ(space_frames(small), 1);
        space_free(small);
    }
}

/* Random operations over a small range, against a model of one byte a page. */
static void test_random(void) {
    enum { PAGES = 96, ROUNDS = 20000, HOLE = 99 };
    static uint8_t prot[PAGES], value[PAGES];
    vaddr_t a;
    unsigned wrong = 0;
    PAYLOAD_CHECK_EQ(space_reserve(space, PAGES * PAGE_SIZE, 0, &a), STATUS_OK);
    memset(prot, PROT_NONE, sizeof(prot));
    memset(value, 0, sizeof(value));
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t dice = dice_roll();
        size_t first = (dice >> 8) % PAGES, len = (dice >> 24) % (PAGES - first) % 12 + 1;
        vaddr_t addr = a + first * PAGE_SIZE;
        size_t size = len * PAGE_SIZE;
        bool hole = false;
        for (size_t i = first; i < first + len; i++) {
            hole = hole || prot[i] == HOLE;
        }
        status_t status = STATUS_OK, want = hole ? STATUS_BAD_RANGE : STATUS_OK;
        switch (dice % 8) {
        case 0:
        case 1:
        case 2: {
            static const uint8_t prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
            status = space_protect(space, addr, size, prots[dice % 8]);
            for (size_t i = first; i < first + len && !hole; i++) {
                prot[i] = prots[dice % 8];
            }
            break;
        }
        case 3:
            status = space_decommit(space, addr, size);
            for (size_t i = first; i < first + len && !hole; i++) {
                prot[i] = PROT_NONE;
                value[i] = 0;
            }
            break;
        case 4:
            want = STATUS_OK;
            if (dice >> 60 == 0) {
                status = space_unmap(space, addr, size);
                memset(prot + first, HOLE, len);
                memset(value + first, 0, len);
            }
            break;
        case 5:
            want = STATUS_OK;
            for (size_t i = first; i < first + len; i++) {
                if (prot[i] == HOLE) {
                    status = space_reserve_at(space, a + i * PAGE_SIZE, PAGE_SIZE);
                    prot[i] = PROT_NONE;
                }
            }
            break;
        case 6:
            want = prot[first] == (PROT_READ | PROT_WRITE) ? STATUS_OK : STATUS_FAULT;
            status = space_copy_out(space, addr + 7, &round, 1);
            if (want == STATUS_OK) {
                value[first] = (uint8_t)round;
            }
            break;
        default: {
            uint8_t byte = value[first];
            want = prot[first] != HOLE && prot[first] & PROT_READ ? STATUS_OK : STATUS_FAULT;
            status = space_copy_in(space, &byte, addr + 7, 1);
            wrong += byte != value[first];
            break;
        }
        }
        wrong += status != want;
        wrong += prot_at(addr) != prot[first];
    }
    PAYLOAD_CHECK_EQ(wrong, 0);
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    dice_begin();
    payload_print("# %u levels of page tables\n", info->paging_levels);
    size_t before = 0, tables = 0;
    for (int round = 0; round < 2; round++) {
        PAYLOAD_CHECK_EQ(space_new(5000, &space), STATUS_OK);
        uint64_t empty = space_frames(space);
        test_reserve();
        test_grow();
        test_code();
        test_wired();
        test_copies();
        test_large();
        test_long_sweep(0);
        test_long_sweep(GIB - ARCH_LARGE_SIZE);
        PAYLOAD_CHECK_EQ(space_frames(space), empty);
        test_quota();
        test_fault_around();
        test_random();
        test_preempted_copies();
        space_free(space);
        stack_trim();
        PAYLOAD_CHECK(round == 0 || arch_table_count() == tables);
        tables = arch_table_count();
        size_t now = frame_free_count() + heap_frames();
        PAYLOAD_CHECK(round == 0 || now == before);
        before = now;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
