/*
 * This machine's harts: what they can do, how one is readied, how others are reached, the timer.
 *
 * Needs: boot_info for the ISA strings. The timer is stimecmp (Sstc) where every hart has it and
 * the firmware lets us, else a call to the firmware.
 */
#include "abi/boot.h"
#include "base/bits.h"
#include "base/fmt.h"
#include "kernel/harts.h"
#include "kernel/riscv64/asm.h"
#include "kernel/riscv64/sbi.h"
#include "kernel/stackguard.h"
#include "kernel/watchdog.h"

#include <string.h>

struct machine machine;

/* Whether an ISA string ("rv64imafdc_zba_sstc") names the multi-letter extension. */
static bool isa_has(const char *isa, const char *extension) {
    size_t len = strlen(extension);
    for (const char *at = strchr(isa, '_'); at; at = strchr(at + 1, '_')) {
        if (!strncmp(at + 1, extension, len) && (at[1 + len] == '_' || at[1 + len] == 0)) {
            return true;
        }
    }
    return false;
}

/* Whether its single letters, up to the first underscore, hold this one; 'g' stands for imafd. */
static bool isa_has_letter(const char *isa, char letter) {
    for (const char *at = isa + 4; *at && *at != '_'; at++) {
        if (*at == letter || (*at == 'g' && strchr("imafd", letter))) {
            return true;
        }
    }
    return false;
}

void arch_init(const struct boot_info *info) {
    machine.levels = info->paging_levels;
    machine.user_end = (vaddr_t)1 << (PAGE_SHIFT + 9 * machine.levels - 1);
    machine.sstc = true;
    machine.fpu = true;
    machine.ssaia = true;
    machine.vectors = true;
    for (uint32_t i = 0; i < info->hart_count; i++) {
        const char *isa = info->harts[i].isa;
        bool plain = strncmp(isa, "rv64", 4) != 0;
        machine.sstc = machine.sstc && !plain && isa_has(isa, "sstc");
        machine.ssaia = machine.ssaia && !plain && isa_has(isa, "ssaia");
        machine.fpu = machine.fpu && !plain && isa_has_letter(isa, 'd');
        machine.vectors = machine.vectors && !plain && isa_has_letter(isa, 'v');
    }
}

const char *arch_describe(void) {
    static char text[64];
    size_t len = fmt_text(text, sizeof(text), "Sv%u, timer by %s", 12 + 9 * machine.levels,
                          machine.sstc ? "Sstc" : "firmware");
    if (machine.vectors) {
        fmt_text(text + len, sizeof(text) - len, ", vectors of %u bits",
                 (unsigned)machine.vlenb * 8);
    }
    return text;
}

static void init_timer(void) {
    if (machine.sstc && !probe_stimecmp()) {
        machine.sstc = false;
    }
    arch_timer_set(UINT64_MAX);
}

void arch_timer_set(uint64_t ticks) {
    if (machine.sstc) {
        csr_write(0x14d, ticks); /* stimecmp, by number for assemblers that lack the name */
    } else {
        sbi_set_timer(ticks);
    }
}

STACKGUARD_NONE void arch_hart_init(struct hart *hart) {
    __asm__ volatile("mv tp, %0" ::"r"(hart) : "memory");
    csr_write(sie, 0);
    csr_write(sscratch, 0);
    csr_write(stvec, (uint64_t)trap_vector);
    csr_clear(sstatus, SSTATUS_SIE | SSTATUS_SUM | SSTATUS_MXR | SSTATUS_FS | SSTATUS_VS);
    csr_write(scounteren, SCOUNTEREN_TIME);
    init_timer();
    vector_init_hart();
    csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
}

bool hart_next_window(uint64_t *hart_mask, uint64_t *window_out, uint64_t *base_out) {
    if (*hart_mask == 0) {
        return false;
    }
    uint64_t base = harts_at(bits_lowest(*hart_mask))->id;
    *window_out = 0;
    for (uint64_t left = *hart_mask; left; left &= left - 1) {
        uint32_t index = bits_lowest(left);
        uint64_t id = harts_at(index)->id;
        if (id >= base && id - base < 64) {
            *window_out |= UINT64_C(1) << (id - base);
            *hart_mask &= ~(UINT64_C(1) << index);
        }
    }
    *base_out = base;
    return true;
}

static void each_window(uint64_t hart_mask, void (*fn)(uint64_t mask, uint64_t base)) {
    uint64_t window, base;
    while (hart_next_window(&hart_mask, &window, &base)) {
        fn(window, base);
    }
}

/* Where a store interrupts a hart; others are reached through the firmware. */
static struct {
    volatile uint32_t *address;
    uint32_t identity;
} doorbells[KERNEL_MAX_HARTS];
static uint64_t with_doorbell; /* mask */

void arch_ipi_use(uint32_t hart_index, volatile uint32_t *doorbell, uint32_t identity) {
    doorbells[hart_index].address = doorbell;
    doorbells[hart_index].identity = identity;
    __atomic_fetch_or(&with_doorbell, UINT64_C(1) << hart_index, __ATOMIC_SEQ_CST);
}

void arch_ipi(uint64_t hart_mask) {
    uint64_t direct = hart_mask & __atomic_load_n(&with_doorbell, __ATOMIC_ACQUIRE);
    counters_add(COUNTER_IPIS_SENT, (uint64_t)__builtin_popcountll(hart_mask));
    watchdog_call(hart_mask);
    if (direct) {
        arch_io_fence(); /* what they are to see comes before */
    }
    for (uint64_t left = direct; left; left &= left - 1) {
        uint32_t index = bits_lowest(left);
        *doorbells[index].address = doorbells[index].identity;
    }
    each_window(hart_mask & ~direct, sbi_send_ipi);
}

/* Nothing but the timer ends it, and whatever else is pending is still so afterwards. */
void arch_rest(uint64_t ticks) {
    csr_write(sie, SIE_STIE);
    arch_timer_set(arch_ticks() + ticks);
    arch_wait_for_interrupt();
    arch_timer_set(hart_self()->timer_at);
    csr_write(sie, SIE_SSIE | SIE_STIE | SIE_SEIE);
}

bool arch_probe_device(const volatile void *address, size_t width) {
    return width == 1 ? probe_read8(address) : probe_read32(address);
}

void arch_hart_wait(const uint32_t *flag) {
    csr_clear(sstatus, SSTATUS_SIE);
    csr_write(sie, SIE_SSIE);
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
        arch_wait_for_interrupt();
    }
    csr_clear(sip, SIE_SSIE);
    __asm__ volatile("sfence.vma\n fence.i" ::: "memory");
}

void arch_halt(void) {
    arch_irq_off();
    csr_write(sie, 0);
    for (;;) {
        arch_wait_for_interrupt();
    }
}

void arch_firmware_poweroff(bool failure) {
    sbi_shutdown(failure);
}

void arch_firmware_reboot(void) {
    sbi_reboot();
}
