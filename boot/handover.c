/*
 * From a checked payload to a running one (boot/handover.h).
 */
#include "boot/handover.h"

#include <stdbool.h>
#include <string.h>

void handover_init(struct handover *handover, const struct machine *machine, struct memory *memory,
                   struct random *random, const struct payload *payload, struct refusal *why) {
    *handover = (struct handover){
        .machine = machine,
        .memory = memory,
        .random = random,
        .payload = payload,
        .why = why,
    };
}

static void *at_phys(uint64_t phys) {
    return (void *)(uintptr_t)phys;
}

static uint64_t in_physmap(const struct handover *h, const void *p) {
    return h->physmap + (uint64_t)(uintptr_t)p;
}

/* --- the address space ------------------------------------------------------------------------ */

static status_t choose_levels(struct handover *h, uint32_t *levels_out) {
    uint32_t levels = paging_probe();
    if (levels == 0 || h->machine->paging_levels == 0) {
        return refusal_set(h->why, STATUS_UNSUPPORTED, "machine: no paging (Sv39, Sv48 or Sv57)");
    }
    uint32_t most = h->payload->config.max_paging_levels;
    levels = levels < h->machine->paging_levels ? levels : h->machine->paging_levels;
    *levels_out = levels < most ? levels : most;
    return STATUS_OK;
}

static status_t map_physical(struct handover *h) {
    uint64_t size = (memory_end(h->memory) + PHYSMAP_ALIGN - 1) & ~(PHYSMAP_ALIGN - 1);
    size = size < PHYSMAP_MIN_SIZE ? PHYSMAP_MIN_SIZE : size;
    if (size > layout_physmap_limit(&h->layout)) {
        return refusal_set(h->why, STATUS_NO_SPACE,
                           "memory: ends at %llx, too far for %u levels of page tables",
                           (unsigned long long)memory_end(h->memory), h->paging.levels);
    }
    h->physmap_size = size;
    TRY(layout_place(&h->layout, "the physical map", size, PHYSMAP_ALIGN, BOOT_PAGE_SIZE,
                     &h->physmap, h->why));
    return paging_map(&h->paging, h->physmap, 0, size, PAGING_READ_WRITE, h->why);
}

/* New zeroed memory of the payload, mapped at a place of its own. */
static status_t place(struct handover *h, const char *what, uint64_t size, uint64_t guard,
                      enum paging_access access, uint64_t *virt_out, uint64_t *phys_out) {
    TRY(memory_take(h->memory, BOOT_MEMORY_PAYLOAD, size, phys_out, h->why));
    memset(at_phys(*phys_out), 0, size);
    TRY(layout_place(&h->layout, what, size, BOOT_PAGE_SIZE, guard, virt_out, h->why));
    return paging_map(&h->paging, *virt_out, *phys_out, size, access, h->why);
}

static status_t map_handoff(struct handover *h) {
    uint64_t phys;
    TRY(place(h, "the hand-over page", BOOT_PAGE_SIZE, BOOT_PAGE_SIZE, PAGING_READ_EXECUTE,
              &h->entry.handoff, &phys));
    uint64_t device = h->machine->test_device;
    bool reachable = device != 0 && device < h->physmap_size;
    arch_handoff_copy(at_phys(phys), reachable ? h->physmap + device : 0);
    return STATUS_OK;
}

status_t handover_space(struct handover *handover) {
    struct handover *h = handover;
    uint32_t levels = 0;
    TRY(choose_levels(h, &levels));
    layout_init(&h->layout, levels, h->payload->config.no_kaslr != 0 ? NULL : h->random);
    TRY(paging_init(&h->paging, h->memory, levels, h->why));
    h->entry.root = h->paging.root;
    h->entry.levels = levels;
    TRY(map_physical(h));
    return map_handoff(h);
}

/* --- the image -------------------------------------------------------------------------------- */

/* [start, end) of the image, in link-time addresses. */
static status_t map_part(struct handover *h, uint64_t start, uint64_t end,
                         enum paging_access access) {
    return paging_map(&h->paging, h->image_virt + start, h->image_phys + start, end - start, access,
                      h->why);
}

/* Data, of which the part under RELRO is constant now that it is relocated. */
static status_t map_data(struct handover *h, uint64_t start, uint64_t end) {
    const struct elf64_phdr *relro = h->payload->relro;
    if (relro == NULL || relro->vaddr < start || relro->vaddr >= end) {
        return map_part(h, start, end, PAGING_READ_WRITE);
    }
    uint64_t relro_start = page_up(relro->vaddr);
    uint64_t relro_end = page_down(relro->vaddr + relro->memsz);
    if (relro_end <= relro_start || relro_end > end) {
        return map_part(h, start, end, PAGING_READ_WRITE);
    }
    TRY(map_part(h, start, relro_start, PAGING_READ_WRITE));
    TRY(map_part(h, relro_start, relro_end, PAGING_READ));
    return map_part(h, relro_end, end, PAGING_READ_WRITE);
}

static status_t map_segment(struct handover *h, const struct elf64_phdr *ph) {
    uint64_t start = page_down(ph->vaddr);
    uint64_t end = page_up(ph->vaddr + ph->memsz);
    if ((ph->flags & ELF_PF_W) != 0) {
        return map_data(h, start, end);
    }
    return map_part(h, start, end, (ph->flags & ELF_PF_X) != 0 ? PAGING_READ_EXECUTE : PAGING_READ);
}

status_t handover_image(struct handover *handover) {
    struct handover *h = handover;
    const struct payload *p = h->payload;
    TRY(memory_take(h->memory, BOOT_MEMORY_PAYLOAD, p->size, &h->image_phys, h->why));
    TRY(layout_place(&h->layout, "the payload's image", p->size, BOOT_PAGE_SIZE, BOOT_PAGE_SIZE,
                     &h->image_virt, h->why));
    TRY(payload_load(p, at_phys(h->image_phys), h->image_virt, h->why));
    for (uint32_t i = 0; i < p->elf.phdrs_len; i++) {
        if (p->elf.phdrs[i].type == ELF_PT_LOAD) {
            TRY(map_segment(h, &p->elf.phdrs[i]));
        }
    }
    return payload_entry(p, at_phys(h->image_phys), h->image_virt, &h->entry.entry, h->why);
}

/* --- the hart --------------------------------------------------------------------------------- */

static uint64_t stack_size(const struct handover *h) {
    return (uint64_t)h->payload->config.stack_pages * BOOT_PAGE_SIZE;
}

status_t handover_hart(struct handover *handover) {
    struct handover *h = handover;
    const struct payload *p = h->payload;
    uint64_t guard = (uint64_t)p->config.stack_guard_pages * BOOT_PAGE_SIZE;
    uint64_t phys;
    TRY(place(h, "a stack", stack_size(h), guard, PAGING_READ_WRITE, &h->stack, &phys));
    uint64_t area_size =
        p->tls == NULL || p->tls->memsz == 0 ? BOOT_PAGE_SIZE : page_up(p->tls->memsz);
    TRY(place(h, "a per-hart area", area_size, BOOT_PAGE_SIZE, PAGING_READ_WRITE, &h->area, &phys));
    if (p->tls != NULL) {
        /* From the loaded image, where the template is relocated. */
        memcpy(at_phys(phys), at_phys(h->image_phys + p->tls->vaddr), p->tls->filesz);
    }
    h->entry.stack = h->stack + stack_size(h);
    h->entry.area = h->area;
    h->entry.hart = h->machine->boot_hart;
    return STATUS_OK;
}

/* --- boot_info -------------------------------------------------------------------------------- */

/* The symbol table stays with the payload for its backtraces, so it moves to the payload's memory. */
static status_t copy_symbols(struct handover *h, struct boot_info *info) {
    const struct elf *elf = &h->payload->elf;
    if (elf->symbols_len == 0) {
        return STATUS_OK;
    }
    uint64_t symbols_size = (uint64_t)elf->symbols_len * sizeof(struct elf64_sym);
    uint64_t phys;
    TRY(memory_take(h->memory, BOOT_MEMORY_PAYLOAD, symbols_size + elf->names_size, &phys, h->why));
    memcpy(at_phys(phys), elf->symbols, symbols_size);
    memcpy(at_phys(phys + symbols_size), elf->names, elf->names_size);
    info->symbols = h->physmap + phys;
    info->symbol_count = elf->symbols_len;
    info->strings = h->physmap + phys + symbols_size;
    info->strings_size = elf->names_size;
    return STATUS_OK;
}

static void fill_harts(const struct handover *h, struct boot_info *info) {
    const struct machine *m = h->machine;
    info->hart_count = m->harts_len;
    memcpy(info->harts, m->harts, m->harts_len * sizeof(m->harts[0]));
    struct boot_hart *mine = &info->harts[machine_boot_hart(m) - m->harts];
    mine->stack_low = h->stack;
    mine->stack_high = h->stack + stack_size(h);
    mine->area = h->area;
}

static void fill_places(const struct handover *h, struct boot_info *info) {
    info->paging_levels = h->paging.levels;
    info->root_table = h->paging.root;
    info->physmap = h->physmap;
    info->physmap_size = h->physmap_size;
    info->payload_virt = h->image_virt;
    info->payload_phys = h->image_phys;
    info->payload_size = h->payload->size;
}

static void fill_machine(const struct handover *h, struct boot_info *info) {
    const struct machine *m = h->machine;
    info->boot_hart = m->boot_hart;
    info->timebase_hz = m->timebase_hz;
    info->device_tree = h->physmap + m->tree.start;
    info->device_tree_size = m->tree.end - m->tree.start;
    info->bootargs = in_physmap(h, m->bootargs);
    if (m->initrd.end != 0) {
        info->initrd = h->physmap + m->initrd.start;
        info->initrd_size = m->initrd.end - m->initrd.start;
    }
    random_derive(h->random, "k23 payload", info->rng_seed, sizeof(info->rng_seed));
    info->rng_seeded = m->seed_size >= MACHINE_MIN_SEED;
}

status_t handover_info(struct handover *handover) {
    struct handover *h = handover;
    uint64_t phys;
    TRY(memory_take(h->memory, BOOT_MEMORY_LOADER, sizeof(*h->info), &phys, h->why));
    h->info = at_phys(phys);
    memset(h->info, 0, sizeof(*h->info));
    h->info->version = BOOT_INFO_VERSION;
    h->info->size = sizeof(*h->info);
    fill_machine(h, h->info);
    fill_places(h, h->info);
    fill_harts(h, h->info);
    TRY(copy_symbols(h, h->info));
    /* Last, when nothing more is taken. */
    h->info->region_count = h->memory->len;
    memcpy(h->info->regions, h->memory->regions, h->memory->len * sizeof(h->info->regions[0]));
    h->entry.info = in_physmap(h, h->info);
    return STATUS_OK;
}

_Noreturn void handover_enter(struct handover *handover, uint64_t ticks_at_reset,
                              uint64_t instret_at_reset) {
    struct boot_info *info = handover->info;
    info->ticks_at_reset = ticks_at_reset;
    info->instret_at_reset = instret_at_reset;
    info->ticks_at_entry = arch_time();
    info->instret_at_entry = arch_instret();
    arch_enter(&handover->entry);
}
