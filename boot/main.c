/*
 * The loader, as a table of contents: boot() below is the whole way from the firmware to the payload.
 *
 * Takes the device tree's address; gives the payload its address space, its image, stacks and the
 * boot_info of abi/boot.h. Everything runs on one hart, without paging, in physical memory; the
 * address space being built is entered with the last instruction, by all harts at once. Nothing is freed: what the loader
 * took is in the memory map that the payload gets. What comes from outside is refused with a reason,
 * never asserted (docs/boot.md).
 */
#include "boot/main.h"

#include "abi/boot.h"
#include "base/fdt.h"
#include "boot/arch.h"
#include "boot/console.h"
#include "boot/exit.h"
#include "boot/handover.h"
#include "boot/image.h"
#include "boot/initrd.h"
#include "boot/layout.h"
#include "boot/machine.h"
#include "boot/memory.h"
#include "boot/paging.h"
#include "boot/payload.h"
#include "boot/random.h"
#include "boot/refusal.h"
#include "boot/sha512.h"
#include "boot/trust.h"

#include <stdbool.h>
#include <string.h>

/* The linker's: bounds of the loader, and the image inside it (empty if it was built without). */
extern char loader_start[], loader_end[];
extern const char boot_image[], boot_image_end[];

struct boot {
    uint64_t hart;
    void *tree;
    uint64_t ticks, instret; /* at the first instruction */
    struct machine machine;
    struct memory memory;
    struct random random;
    struct image image;
    const void *elf; /* unpacked */
    struct payload payload;
    struct handover handover;
    struct refusal why;
};

static struct boot boot_state;

static uint64_t address_of(const void *p) {
    return (uint64_t)(uintptr_t)p;
}

static status_t read_machine(struct boot *b) {
    if (b->tree == NULL || address_of(b->tree) % 8 != 0) {
        return refusal_set(&b->why, STATUS_BAD_FORMAT, "device tree: no tree at %llx",
                           (unsigned long long)address_of(b->tree));
    }
    status_t status = machine_read(&b->machine, b->tree, fdt_claimed_size(b->tree),
                                   address_of(b->tree), b->hart, &b->why);
    exit_set_device(b->machine.test_device);
    console_use(&b->machine.uart);
    TRY(status);
    sha512_use_zbb(machine_has_extension(machine_boot_hart(&b->machine), "zbb"));
    return STATUS_OK;
}

/* The image is inside the loader, or in the initrd if the loader was built without one. */
static bool image_is_inside(void) {
    return &boot_image[0] != &boot_image_end[0];
}

/* An archive is the payload's, even if its first member is the image; an image alone is the loader's. */
static enum boot_memory_kind initrd_kind(const struct range *initrd) {
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)initrd->start;
    return image_is_inside() || initrd_is_archive(bytes, initrd->end - initrd->start)
               ? BOOT_MEMORY_INITRD
               : BOOT_MEMORY_LOADER;
}

static bool overlap(struct range a, struct range b) {
    return a.start < b.end && b.start < a.end;
}

/* Marks what is taken already. A range that another one claims, or that is not in RAM, would be
 * overwritten sooner or later, so such a machine is refused. */
static status_t map_memory(struct boot *b) {
    const struct machine *m = &b->machine;
    struct range loader = {address_of(loader_start), address_of(loader_end)};
    for (uint32_t i = 0; i < m->memory_len; i++) {
        if (m->memory[i].end > MACHINE_MAX_ADDRESS) {
            return refusal_set(&b->why, STATUS_LIMIT, "memory: ends at %llx, beyond all reason",
                               (unsigned long long)m->memory[i].end);
        }
        TRY(memory_add(&b->memory, m->memory[i].start, m->memory[i].end, &b->why));
    }
    for (uint32_t i = 0; i < m->reserved_len; i++) {
        TRY(memory_mark(&b->memory, m->reserved[i].start, m->reserved[i].end, BOOT_MEMORY_FIRMWARE,
                        &b->why));
    }
    const struct {
        struct range range;
        enum boot_memory_kind kind;
        const char *name;
    } taken[] = {
        {loader, BOOT_MEMORY_LOADER, "loader"},
        {m->tree, BOOT_MEMORY_DEVICE_TREE, "device tree"},
        {m->initrd, BOOT_MEMORY_INITRD, "initrd"},
    };
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct range r = taken[i].range;
        if (!memory_has(&b->memory, r.start, r.end) || (i > 0 && overlap(r, loader)) ||
            (i > 1 && overlap(r, m->tree))) {
            return refusal_set(
                &b->why, STATUS_BAD_RANGE, "memory: %s at %llx..%llx is not in memory of its own",
                taken[i].name, (unsigned long long)r.start, (unsigned long long)r.end);
        }
        enum boot_memory_kind kind = taken[i].kind;
        if (kind == BOOT_MEMORY_INITRD && r.start < r.end) {
            kind = initrd_kind(&r);
        }
        TRY(memory_mark(&b->memory, r.start, r.end, kind, &b->why));
    }
    return STATUS_OK;
}

/* A seed is in the tree, or comes from the hart (Zkr). Without one the low bits of the clock over some thousand reads are what there
 * is; boot_info says so (rng_seeded). */
static status_t start_random(struct boot *b) {
    static uint64_t jitter[512];
    if (b->machine.seed_size < MACHINE_MIN_SEED &&
        machine_has_extension(machine_boot_hart(&b->machine), "zkr") &&
        arch_seed(b->machine.seed, MACHINE_MAX_SEED)) {
        b->machine.seed_size = MACHINE_MAX_SEED;
    }
    size_t len = b->machine.seed_size >= MACHINE_MIN_SEED ? 2 : sizeof(jitter) / sizeof(jitter[0]);
    jitter[0] = b->ticks;
    for (size_t i = 1; i < len; i++) {
        jitter[i] = arch_time() ^ arch_instret() << 32;
    }
    random_init(&b->random, b->machine.seed, b->machine.seed_size, jitter, len * sizeof(jitter[0]));
    memset(b->machine.seed, 0, sizeof(b->machine.seed));
    memset(jitter, 0, sizeof(jitter));
    return STATUS_OK;
}

static status_t find_image(struct boot *b, const uint8_t **bytes_out, size_t *size_out) {
    struct range *initrd = &b->machine.initrd;
    *bytes_out = (const uint8_t *)boot_image;
    *size_out = (size_t)(boot_image_end - boot_image);
    if (image_is_inside()) {
        return STATUS_OK;
    }
    *bytes_out = (const uint8_t *)(uintptr_t)initrd->start;
    *size_out = initrd->end - initrd->start;
    if (*size_out == 0) {
        return refusal_set(&b->why, STATUS_NOT_FOUND,
                           "image: none, neither in the loader nor as initrd");
    }
    if (initrd_is_archive(*bytes_out, *size_out)) {
        return initrd_first(*bytes_out, *size_out, bytes_out, size_out, &b->why);
    }
    *initrd = (struct range){0, 0}; /* it is the loader's, so the payload has none */
    return STATUS_OK;
}

static status_t verify_image(struct boot *b) {
    const uint8_t *bytes;
    size_t size;
    TRY(find_image(b, &bytes, &size));
    return image_verify(bytes, size, &trust_built_in, &b->image, &b->why);
}

static status_t unpack_image(struct boot *b) {
    uint64_t phys, scratch = 0;
    size_t scratch_size = image_scratch_size(&b->image);
    TRY(memory_take(&b->memory, BOOT_MEMORY_LOADER, b->image.unpacked_size, &phys, &b->why));
    if (scratch_size > 0) {
        TRY(memory_take(&b->memory, BOOT_MEMORY_LOADER, scratch_size, &scratch, &b->why));
    }
    b->elf = (const void *)(uintptr_t)phys;
    return image_unpack(&b->image, (void *)(uintptr_t)phys, (void *)(uintptr_t)scratch, &b->why);
}

static status_t open_payload(struct boot *b) {
    return payload_open(&b->payload, b->elf, b->image.unpacked_size, &b->why);
}

static status_t boot(struct boot *b) {
    TRY(read_machine(b)); /* the device tree: memory, harts, chosen */
    TRY(map_memory(b));   /* who has which page */
    TRY(start_random(b)); /* before anything is placed */
    TRY(verify_image(b)); /* bounds, key, signature, rollback */
    TRY(unpack_image(b)); /* into memory of known size */
    TRY(open_payload(b)); /* the ELF and its wishes, all checked */
    struct handover *h = &b->handover;
    handover_init(h, &b->machine, &b->memory, &b->random, &b->payload, &b->why);
    TRY(handover_space(h));  /* page tables, physical map, hand-over page */
    TRY(handover_image(h));  /* loaded, relocated, mapped */
    TRY(handover_harts(h));  /* stacks, per-hart areas, heap */
    return handover_info(h); /* what the payload is told */
}

_Noreturn void main_boot(uint64_t hart, void *tree, uint64_t ticks, uint64_t instret) {
    struct boot *b = &boot_state;
    b->hart = hart;
    b->tree = tree;
    b->ticks = ticks;
    b->instret = instret;
    if (boot(b) != STATUS_OK) {
        exit_refused(b->why.text);
    }
    memset(&b->random, 0, sizeof(b->random));
    handover_start(&b->handover); /* the other harts, up to the payload's door */
    handover_enter(&b->handover, ticks, instret);
}

_Noreturn void main_trapped(uint64_t cause, uint64_t pc, uint64_t address) {
    struct refusal why;
    console_use(NULL); /* whose access may have been what trapped */
    refusal_set(&why, STATUS_OK, "machine: trap %llu in the loader at %llx, address %llx",
                (unsigned long long)cause, (unsigned long long)pc, (unsigned long long)address);
    exit_refused(why.text);
}
