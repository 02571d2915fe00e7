/*
 * The payload's address space and all that stands in it, built step by step and then entered.
 *
 *     lower half                    nothing: the payload's
 *     upper half, lowest quarter    nothing: the payload's
 *     the rest, each at a random place, in random order, unmapped between:
 *         physical map              RW    all physical memory from 0 on, 1 GiB pages
 *         image                     RX text, R constants and RELRO, RW data
 *         stack of each hart        RW    guard pages below, one above
 *         area of each hart         RW    thread-local storage, tp points to it; guards on both sides
 *         heap                      RW    if asked for; guards on both sides
 *         hand-over page            RX    last code of the loader and first trap vector
 */
#ifndef BOOT_HANDOVER_H
#define BOOT_HANDOVER_H

#include "abi/boot.h"
#include "boot/arch.h"
#include "boot/layout.h"
#include "boot/machine.h"
#include "boot/memory.h"
#include "boot/paging.h"
#include "boot/payload.h"
#include "boot/random.h"
#include "boot/refusal.h"

/* Of a hart that is to enter. */
struct handover_hart {
    uint64_t stack, area;     /* virtual, lowest addresses */
    struct arch_entry *entry; /* NULL: the hart does not enter */
};

struct handover {
    const struct machine *machine;
    struct memory *memory;
    struct random *random;
    const struct payload *payload;
    struct refusal *why;
    struct layout layout;
    struct paging paging;
    struct arch_handoff handoff;
    uint64_t physmap, physmap_size;
    uint64_t image_virt, image_phys;
    uint64_t entry; /* virtual */
    uint64_t heap, heap_size;
    struct handover_hart harts[BOOT_MAX_HARTS]; /* as in machine->harts */
    struct boot_info *info;                     /* physical */
};

/* Everything given must outlive the hand-over. The steps then come in the order they stand here;
 * each gives NO_MEMORY, NO_SPACE or LIMIT, and what the payload's own content causes. */
void handover_init(struct handover *handover, const struct machine *machine, struct memory *memory,
                   struct random *random, const struct payload *payload, struct refusal *why);

MUST_CHECK status_t handover_space(struct handover *handover);
MUST_CHECK status_t handover_image(struct handover *handover);
MUST_CHECK status_t handover_harts(struct handover *handover);
MUST_CHECK status_t handover_info(struct handover *handover);

/* Starts the other harts and waits for them. One that does not come is reported and left out. */
void handover_start(struct handover *handover);

_Noreturn void handover_enter(struct handover *handover, uint64_t ticks_at_reset,
                              uint64_t instret_at_reset);

#endif
