/*
 * User mode as a function call: guests of a few hand-encoded instructions, each of which leaves in
 * its own way.
 *
 * QEMU: -smp 1
 * QEMU: -smp 4 -m 200M
 * QEMU: -smp 4 -machine aia=aplic-imsic
 * QEMU: -cpu rv64,sstc=false
 */
#include "abi/boot.h"
#include "init/machine.h"
#include "kernel/harts.h"
#include "kernel/log.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/space.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "test/support/payload.h"

#include <string.h>

enum {
    RA = 1,
    SP = 2,
    A0 = 10,
    A1 = 11,
    A7 = 17,
    I_ECALL = 0x00000073,
    I_EBREAK = 0x00100073,
    I_ADD_A0 = 0x00150513,  /* addi a0, a0, 1 */
    I_LOOP = 0x0000006f,    /* j . */
    I_LOAD = 0x0005b503,    /* ld a0, 0(a1) */
    I_STORE = 0x00a5b023,   /* sd a0, 0(a1) */
    I_JUMP_A1 = 0x00058067, /* jr a1 */
    I_READ_SSTATUS = 0x10002573,
    I_READ_INSTRET = (int)0xc0202573,
    I_READ_TIME = (int)0xc0102573,
    I_SRET = 0x10200073,
    I_TO_FA0 = (int)0xd2250553,   /* fcvt.d.l fa0, a0 */
    I_FROM_FA0 = (int)0xe2050553, /* fmv.x.d a0, fa0 */
    I_NOTHING = 0,                /* not an instruction */
};

static struct space *space;
static vaddr_t code, data;

/* A fresh space with the instructions at `code` and two pages at `data`, of which none is there. */
static struct user_regs main_regs;

static void enter_world(const int *instructions, size_t len) {
    PAYLOAD_CHECK_EQ(space_new(1000, &space), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, 4 * PAGE_SIZE, 0, &code), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_reserve(space, 4 * PAGE_SIZE, 0, &data), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_protect(space, data, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), STATUS_OK);
    PAYLOAD_CHECK_EQ(space_publish_code(space, code, instructions, len * sizeof(int)), STATUS_OK);
    thread_set_space(space);
    user_regs_init(&main_regs, code, data + 2 * PAGE_SIZE);
    main_regs.x[A1] = data;
}

static void leave_world(void) {
    thread_set_space(NULL);
    space_free(space);
}

static void test_calls(void) {
    static const int program[] = {I_ADD_A0, I_ECALL, I_ADD_A0, I_ADD_A0, I_ECALL};
    struct user_regs *regs = &main_regs;
    enter_world(program, 5);
    for (unsigned i = 1; i < 32; i++) {
        regs->x[i] = 1000 + i;
    }
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
    PAYLOAD_CHECK_EQ(regs->pc, code + 8);
    PAYLOAD_CHECK_EQ(regs->x[A0], 1000 + A0 + 1);
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
    PAYLOAD_CHECK_EQ(regs->pc, code + 20);
    bool kept = true;
    for (unsigned i = 1; i < 32; i++) {
        kept = kept && regs->x[i] == (i == A0 ? 1000u + A0 + 3 : 1000u + i);
    }
    PAYLOAD_CHECK(kept);
    leave_world();
}

static void test_floats(void) {
    static const int program[] = {I_TO_FA0, I_ECALL, I_FROM_FA0, I_ECALL, I_FROM_FA0, I_ECALL};
    struct user_regs *regs = &main_regs;
    enter_world(program, 6);
    regs->x[A0] = 3;
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
    PAYLOAD_CHECK_EQ(regs->x[A0], 0x4008000000000000);
    /* As when another guest runs in between. */
    irq_state_t irq = arch_irq_save();
    arch_user_save(regs);
    arch_irq_restore(irq);
    PAYLOAD_CHECK_EQ(regs->f[A0], 0x4008000000000000);
    regs->x[A0] = 0;
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
    PAYLOAD_CHECK_EQ(regs->x[A0], 0x4008000000000000);
    leave_world();
}

/* One instruction that ends in `exit`, at code, with a1 and the address reported. */
static void test_fault(int instruction, enum user_exit exit, vaddr_t a1, bool reports_a1) {
    struct user_regs *regs = &main_regs;
    enter_world(&instruction, 1);
    regs->x[A1] = a1;
    enum user_exit got = thread_run_user(regs);
    payload_print("# %08x: %s\n", (unsigned)instruction, thread_exit_text(got));
    PAYLOAD_CHECK_EQ(got, exit);
    if (reports_a1) {
        PAYLOAD_CHECK_EQ(regs->fault_addr, a1);
    } else {
        PAYLOAD_CHECK_EQ(regs->pc, code);
    }
    leave_world();
}

static void test_faults(void) {
    vaddr_t kernel = (vaddr_t)&test_faults;
    test_fault(I_NOTHING, USER_EXIT_ILLEGAL, 0, false);
    test_fault(I_EBREAK, USER_EXIT_BREAKPOINT, 0, false);
    test_fault(I_READ_SSTATUS, USER_EXIT_ILLEGAL, 0, false);
    test_fault(I_READ_INSTRET, USER_EXIT_ILLEGAL, 0, false);
    test_fault(I_SRET, USER_EXIT_ILLEGAL, 0, false);
    test_fault(I_LOAD, USER_EXIT_READ_FAULT, 0, true);
    test_fault(I_LOAD, USER_EXIT_READ_FAULT, kernel & ~7ul, true);
    test_fault(I_LOAD, USER_EXIT_READ_FAULT, harts_boot_info.physmap, true);
    test_fault(I_STORE, USER_EXIT_WRITE_FAULT, (vaddr_t)&space & ~7ul, true);
    test_fault(I_STORE, USER_EXIT_WRITE_FAULT, 0x5550, true);
    test_fault(I_JUMP_A1, USER_EXIT_EXECUTE_FAULT, kernel & ~1ul, true);
    test_fault(I_JUMP_A1, USER_EXIT_EXECUTE_FAULT, 0x10000, true);
}

/* Code cannot be written, data cannot be run, the guard after the data is a guard. */
static void test_walls(void) {
    static const int program[] = {I_STORE, I_ECALL};
    struct user_regs *regs = &main_regs;
    enter_world(program, 2);
    regs->x[A1] = code;
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_WRITE_FAULT);
    regs->x[A1] = data + 2 * PAGE_SIZE;
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_WRITE_FAULT);
    uint64_t frames = space_frames(space);
    regs->x[A1] = data + PAGE_SIZE;
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_CALL);
    PAYLOAD_CHECK(space_frames(space) > frames);
    regs->pc = data + PAGE_SIZE;
    PAYLOAD_CHECK_EQ(thread_run_user(regs), USER_EXIT_EXECUTE_FAULT);
    leave_world();
}

static void test_no_memory(void) {
    static const int program[] = {I_STORE, I_ECALL};
    paddr_t chain = 0, frame;
    enter_world(program, 2);
    while (frame_alloc(0, NULL, &frame) == STATUS_OK) {
        memcpy(frame_pointer(frame), &chain, sizeof(chain));
        chain = frame;
    }
    PAYLOAD_CHECK_EQ(thread_run_user(&main_regs), USER_EXIT_NO_MEMORY);
    while (chain) {
        frame = chain;
        memcpy(&chain, frame_pointer(frame), sizeof(chain));
        frame_free(frame, 0);
    }
    PAYLOAD_CHECK_EQ(thread_run_user(&main_regs), USER_EXIT_CALL);
    leave_world();
}

static volatile int stop;
static volatile uint64_t turns;

static void take_turns(void *arg) {
    (void)arg;
    while (!stop) {
        turns++;
        thread_sleep_ns(1000000);
    }
}

static enum user_exit guest_exit;

static void run_guest(void *arg) {
    struct user_regs *regs = arg;
    guest_exit = thread_run_user(regs);
    thread_sync_user(regs);
}

/* A guest that never yields: others run, and it can be killed. */
static void test_endless(void) {
    static const int program[] = {I_LOOP};
    struct thread *guest, *other;
    enter_world(program, 1);
    struct user_regs regs = main_regs;
    PAYLOAD_CHECK_EQ(thread_start("guest", run_guest, &regs, space, &guest), STATUS_OK);
    PAYLOAD_CHECK_EQ(thread_start("other", take_turns, NULL, NULL, &other), STATUS_OK);
    uint64_t start = time_now_ns();
    do {
        thread_sleep_ns(50000000);
    } while (turns < 4 && time_now_ns() - start < 60000000000);
    payload_print("# %llu turns in %llu us\n", (unsigned long long)turns,
                  (unsigned long long)((time_now_ns() - start) / 1000));
    PAYLOAD_CHECK(turns >= 4);
    thread_kill(guest);
    stop = 1;
    thread_join(guest);
    thread_join(other);
    PAYLOAD_CHECK_EQ(guest_exit, USER_EXIT_KILLED);
    leave_world();
}

static _Noreturn void test(size_t hart, const struct boot_info *info) {
    machine_init(hart, info);
    payload_begin(info);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        test_calls();
        test_floats();
        test_faults();
        test_walls();
        test_no_memory();
        test_endless();
        size_t now = frame_free_count();
        PAYLOAD_CHECK(round == 0 || now == before);
        before = now;
        stop = 0;
        turns = 0;
    }
    payload_end();
}

LOADER_ENTRY(test, .stack_pages = 16, .memory_mode = LOADER_SV39);
