/*
 * Vector registers of guests: given at the first instruction that needs them, kept over switches and on all
 * harts, stored only when they have changed, nobody else's, paid for and given back; and where the machine has none,
 * illegal.
 *
 * QEMU: -cpu rv64,v=true => vectors of 128 bits
 * QEMU: -cpu rv64,v=true,vlen=512 -smp 4 => vectors of 512 bits
 * QEMU: -cpu rv64,v=true,vlen=1024 -smp 2 => vectors of 1024 bits
 * QEMU: -smp 2
 * TIMEOUT: 120
 */
#include "gen/domain/vector.h"
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/ipc/notification.h"
#include "kernel/limits.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/mm/stack.h"
#include "kernel/native.h"
#include "kernel/program.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/kernel/domain/vector.h"
#include "test/support/payload.h"

#include <string.h>

enum { A0 = 10, A1 = 11, A7 = 17, GUESTS = 7, DOMAINS = 3, STACK_PAGES = 6 };

static bool have_vectors; /* the machine has */

/* Of the ISA strings: their letters are before the first underscore. */
static bool all_harts_have_v(void) {
    for (uint32_t i = 0; i < harts_count(); i++) {
        const char *isa = harts_at(i)->boot->isa;
        const char *v = strchr(isa + strlen("rv"), 'v'), *end = strchr(isa, '_');
        if (!v || (end && v > end)) {
            return false;
        }
    }
    return true;
}

/* ---- a guest that is no native domain ---- */

struct guest {
    struct space *space;
    vaddr_t code, stack; /* its top; the lowest page is data of the short programs */
    struct user_regs regs;
    struct thread *thread;
    uint64_t arg, ran_on; /* mask of harts */
    enum user_exit exit;
    uint64_t status;
};

static void make_guest(struct guest *guest, const void *code, size_t size) {
    vaddr_t low;
    PAYLOAD_CHECK_EQ(space_new(1000, &guest->space), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(guest->space, PAGE_ALIGN_UP(size), 0, &guest->code), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(guest->space, STACK_PAGES * PAGE_SIZE, 0, &low), STATUS_OK);
    PAYLOAD_CHECK_EQ(
        space_protect(guest->space, low, STACK_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE),
        STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(guest->space, guest->code, code, size), STATUS_OK);
    guest->stack = low + STACK_PAGES * PAGE_SIZE;
    user_regs_init(&guest->regs, guest->code, guest->stack);
    guest->regs.x[A1] = low;
}

static void free_guest(struct guest *guest) {
    thread_sync_user(&guest->regs);
    PAYLOAD_CHECK(!guest->regs.vectors);
    thread_set_space(NULL);
    space_free(guest->space);
}

/* ---- what is a vector instruction ---- */

enum { I_ECALL = 0x00000073 };

/* As another thread's run makes it. */
static void save(struct guest *guest) {
    irq_state_t irq = arch_irq_save();
    arch_user_save(&guest->regs);
    arch_irq_restore(irq);
}

static void test_word(uint32_t word, enum user_exit with, enum user_exit without) {
    static struct guest guest;
    const uint32_t program[] = {word, I_ECALL};
    enum user_exit wanted = have_vectors ? with : without;
    make_guest(&guest, program, sizeof(program));
    thread_set_space(guest.space);
    enum user_exit exit = thread_run_user(&guest.regs);
    payload_print("# %08x: %s\n", (unsigned)word, thread_exit_text(exit));
    PAYLOAD_CHECK_EQ(exit, wanted);
    PAYLOAD_CHECK_EQ(guest.regs.pc, guest.code + (wanted == USER_EXIT_CALL ? sizeof(program) : 0));
    PAYLOAD_CHECK_EQ(guest.regs.vectors != NULL, with != without && have_vectors);
    free_guest(&guest);
}

static void test_words(void) {
    static const uint32_t vector_words[] = {
        0x0d85f2d7, /* vsetvli t0, a1, e64, m1, ta, ma */
        0xcd80f057, /* vsetivli zero, 1, e64, m1, ta, ma */
        0x02858007, /* vl1r.v v0, (a1) */
        0x02858027, /* vs1r.v v0, (a1) */
        0x02058007, /* vle8.v v0, (a1) */
        0x0205f027, /* vse64.v v0, (a1) */
        0x5208a057, /* vid.v v0 */
        0xc2002573, /* csrr a0, vl */
        0xc2102573, /* csrr a0, vtype */
        0xc2202573, /* csrr a0, vlenb */
        0x00902573, /* csrr a0, vxsat */
        0x00a02573, /* csrr a0, vxrm */
        0x00f02573, /* csrr a0, vcsr */
        0x00805073, /* csrwi vstart, 0 */
    };
    static const uint32_t others[] = {
        0x00000000, /* none */
        0xffffffff, /* none */
        0x0005c007, /* flq f0, 0(a1) */
        0x0005c027, /* fsq f0, 0(a1) */
        0x10002573, /* csrr a0, sstatus */
        0x10200073, /* sret */
        0x0005800b, /* a custom one */
    };
    for (size_t i = 0; i < sizeof(vector_words) / sizeof(vector_words[0]); i++) {
        test_word(vector_words[i], USER_EXIT_CALL, USER_EXIT_ILLEGAL);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        test_word(others[i], USER_EXIT_ILLEGAL, USER_EXIT_ILLEGAL);
    }
    test_word(0x00a5b027, USER_EXIT_CALL, USER_EXIT_CALL); /* fsd fa0, 0(a1): a float's */
}

/* ---- when they move ---- */

/* From its next instruction to its next call. */
static uint64_t run_on(struct guest *guest) {
    PAYLOAD_CHECK_EQ(thread_run_user(&guest->regs), USER_EXIT_CALL);
    return guest->regs.x[A0];
}

/* Stored only when they have changed, and loaded when they are used, not before. */
static void test_lazy(void) {
    static struct guest guest;
    static const uint32_t program[] = {
        I_ECALL,    0xcd80f057, /* vsetivli zero, 1, e64, m1, ta, ma */
        0x5e0540d7,             /* vmv.v.x v1, a0 */
        I_ECALL,    0xc2202573, /* csrr a0, vlenb */
        I_ECALL,    0x42102557, /* vmv.x.s a0, v1 */
        I_ECALL,    0x42102557, I_ECALL,
    };
    uint64_t number = 0x0123456789abcdef, other = 0xfedcba9876543210, found;
    make_guest(&guest, program, sizeof(program));
    thread_set_space(guest.space);
    (void)run_on(&guest);
    PAYLOAD_CHECK(!guest.regs.vectors && !guest.regs.live);
    guest.regs.x[A0] = number;
    (void)run_on(&guest);
    PAYLOAD_CHECK_EQ(guest.regs.live, USER_LIVE_VECTORS);
    save(&guest);
    PAYLOAD_CHECK_EQ(guest.regs.live, 0);
    uint64_t vlenb = run_on(&guest);
    PAYLOAD_CHECK_EQ(guest.regs.live, USER_LIVE_VECTORS);
    /* v1 is the second of the 32 that end the area. */
    uint8_t *v1 = (uint8_t *)guest.regs.vectors + arch_vectors_size() - 31 * vlenb;
    memcpy(&found, v1, sizeof(found));
    PAYLOAD_CHECK_EQ(found, number);
    memcpy(v1, &other, sizeof(other)); /* not stored any more: the guest finds this one */
    save(&guest);
    PAYLOAD_CHECK_EQ(run_on(&guest), other);
    thread_sync_user(&guest.regs);
    PAYLOAD_CHECK(!guest.regs.vectors && !guest.regs.live);
    PAYLOAD_CHECK_EQ(run_on(&guest), 0);
    free_guest(&guest);
}

/* An instruction that needs both kinds of registers, which are both off. */
static void test_floats(void) {
    static struct guest guest;
    static const uint32_t program[] = {
        0xcd80f057,             /* vsetivli zero, 1, e64, m1, ta, ma */
        0x42055057,             /* vfmv.s.f v0, fa0 */
        I_ECALL,    0x420015d7, /* vfmv.f.s fa1, v0 */
        0xe2058553,             /* fmv.x.d a0, fa1 */
        I_ECALL,
    };
    make_guest(&guest, program, sizeof(program));
    thread_set_space(guest.space);
    guest.regs.f[A0] = 0x4008000000000000;
    (void)run_on(&guest);
    PAYLOAD_CHECK_EQ(guest.regs.live, USER_LIVE_FLOATS | USER_LIVE_VECTORS);
    save(&guest);
    PAYLOAD_CHECK_EQ(guest.regs.f[A0], 0x4008000000000000);
    PAYLOAD_CHECK_EQ(run_on(&guest), 0x4008000000000000);
    free_guest(&guest);
}

/* ---- many at once, from hart to hart ---- */

static uint64_t part(enum vector_part part, uint64_t seed) {
    return (uint64_t)part | seed << 8;
}

/* Until it ends, or its exit is no call. At each call it goes to the next hart. */
static void run_guest(void *arg) {
    struct guest *guest = arg;
    struct thread *self = thread_current();
    guest->regs.x[A0] = guest->arg;
    do {
        guest->exit = thread_run_user(&guest->regs);
        uint32_t index = hart_self()->index;
        guest->ran_on |= UINT64_C(1) << index;
        if (guest->exit != USER_EXIT_CALL || guest->regs.x[A7] == SYSCALL_exit) {
            break;
        }
        guest->regs.x[A0] = 0;
        thread_set_harts(self, UINT64_C(1) << (index + 1) % harts_count());
        sched_yield();
    } while (true);
    guest->status = guest->regs.x[A0];
    thread_sync_user(&guest->regs);
}

static void test_harts(void) {
    static struct guest guests[GUESTS];
    for (uint64_t i = 0; i < GUESTS; i++) {
        struct guest *guest = &guests[i];
        memset(guest, 0, sizeof(*guest));
        make_guest(guest, vector_domain, sizeof(vector_domain));
        guest->arg = part(VECTOR_ROUNDS, 5000 + i * 100);
        PAYLOAD_CHECK_EQ(thread_start("guest", run_guest, guest, guest->space, &guest->thread),
                         STATUS_OK);
    }
    for (uint64_t i = 0; i < GUESTS; i++) {
        struct guest *guest = &guests[i];
        thread_join(guest->thread);
        PAYLOAD_CHECK_EQ(guest->exit, have_vectors ? USER_EXIT_CALL : USER_EXIT_ILLEGAL);
        PAYLOAD_CHECK(guest->status == 0 || !have_vectors);
        PAYLOAD_CHECK((guest->ran_on & (guest->ran_on - 1)) != 0 || harts_count() == 1 ||
                      !have_vectors);
        space_free(guest->space);
    }
}

/* ---- native domains ---- */

static uint32_t start_domain(uint64_t arg, struct kobject *notification) {
    uint32_t pid = 0;
    struct native_options options = {
        .name = "vector",
        .code = vector_domain,
        .code_size = sizeof(vector_domain),
        .stack_size = 4 * PAGE_SIZE,
        .frame_limit = 200,
        .arg = arg,
    };
    if (notification) {
        kobject_get(notification);
        options.handles[0] = handle_new(notification, RIGHT_ALL, 0);
    }
    PAYLOAD_CHECK_EQ(native_start(&options, &pid), STATUS_OK);
    return pid;
}

static void end_domain(uint32_t pid) {
    struct program_end end;
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, have_vectors ? 0 : NATIVE_FAULT + USER_EXIT_ILLEGAL);
}

static void test_domains(void) {
    uint32_t pids[DOMAINS];
    for (uint64_t i = 0; i < DOMAINS; i++) {
        pids[i] = start_domain(part(VECTOR_THREADS, 100000 * (i + 1)), NULL);
    }
    for (uint64_t i = 0; i < DOMAINS; i++) {
        end_domain(pids[i]);
    }
}

/* Its handler finds them as they were. */
static void test_handler(void) {
    end_domain(start_domain(part(VECTOR_HANDLER, 7), NULL));
}

/* Killed with all of them written: who comes next, on each hart, sees nothing of that. */
static void test_killed(void) {
    struct kobject *notification = NULL;
    struct program_end end;
    uint64_t bits;
    PAYLOAD_CHECK_EQ(notification_new(&notification), STATUS_OK);
    for (uint32_t i = 0; i < harts_count() + 2; i++) {
        uint32_t pid = start_domain(part(VECTOR_DIRTY, i), notification);
        PAYLOAD_CHECK_EQ(notification_wait(notification, WAIT_FOREVER, &bits), STATUS_OK);
        PAYLOAD_CHECK_EQ(program_kill(pid, 9), STATUS_OK);
        PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
        PAYLOAD_CHECK(end.killed && end.status == 9);
        end_domain(start_domain(part(VECTOR_ROUNDS, i), NULL));
    }
    kobject_put(notification);
}

/* ---- who pays ---- */

/* In a program of its own: a guest whose stack is all there and whose quota is used up gets none, and nothing
 * is charged; afterwards it goes on where it was. */
static int run_without_memory(void *arg) {
    struct guest *guest = arg;
    struct quota *quota = program_quota();
    uint64_t before, rest;
    make_guest(guest, vector_domain, sizeof(vector_domain));
    guest->arg = part(VECTOR_ROUNDS, 1);
    thread_set_space(guest->space);
    run_guest(guest);
    PAYLOAD_CHECK_EQ(guest->status, 0);
    user_regs_init(&guest->regs, guest->code, guest->stack);
    guest->regs.x[A0] = guest->arg;
    before = quota_used(quota);
    rest = quota->limit - before;
    PAYLOAD_CHECK_EQ(quota_charge(quota, rest), STATUS_OK);
    PAYLOAD_CHECK_EQ(thread_run_user(&guest->regs), USER_EXIT_NO_MEMORY);
    PAYLOAD_CHECK(!guest->regs.vectors && !guest->regs.live);
    PAYLOAD_CHECK_EQ(quota_used(quota), quota->limit);
    quota_credit(quota, rest);
    PAYLOAD_CHECK_EQ(thread_run_user(&guest->regs), USER_EXIT_CALL);
    PAYLOAD_CHECK(quota_used(quota) >= before + arch_vectors_size());
    thread_sync_user(&guest->regs);
    PAYLOAD_CHECK_EQ(quota_used(quota), before);
    free_guest(guest);
    return 3;
}

static void test_quota(void) {
    static struct guest guest;
    const struct program_options options = {.name = "quota", .frame_limit = 200};
    struct program_end end;
    uint32_t pid;
    PAYLOAD_CHECK_EQ(program_start(&options, run_without_memory, &guest, &pid), STATUS_OK);
    PAYLOAD_CHECK_EQ(program_wait(pid, WAIT_FOREVER, &end), STATUS_OK);
    PAYLOAD_CHECK_EQ(end.status, 3);
}

static void test_all(void) {
    test_words();
    test_harts();
    test_domains();
    if (have_vectors) {
        test_lazy();
        test_floats();
        test_handler();
        test_killed();
        test_quota();
    }
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    have_vectors = all_harts_have_v();
    payload_print("# %s\n", arch_describe());
    test_all();
    (void)stack_trim();
    size_t objects = heap_objects(), frames = frame_free_count();
    test_all();
    (void)stack_trim();
    PAYLOAD_CHECK_EQ(heap_objects(), objects);
    payload_print("# %zu frames free, %zu before\n", frame_free_count(), frames);
    PAYLOAD_CHECK(frame_free_count() + 64 >= frames); /* slabs and stacks that are kept */
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16);
