/*
 * From a checked payload to a running one (boot/handover.h).
 */
#include "boot/handover.h"

#include "boot/console.h"

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
    uint32_t most = h->payload->config.memory_mode;
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
    uint64_t phys, virt;
    TRY(place(h, "the hand-over page", BOOT_PAGE_SIZE, BOOT_PAGE_SIZE, PAGING_READ_EXECUTE, &virt,
              &phys));
    uint64_t device = h->machine->test_device;
    bool reachable = device != 0 && device < h->physmap_size;
    h->handoff = arch_handoff_make(phys, virt, reachable ? h->physmap + device : 0);
    return STATUS_OK;
}

status_t handover_space(struct handover *handover) {
    struct handover *h = handover;
    uint32_t levels = 0;
    TRY(choose_levels(h, &levels));
    layout_init(&h->layout, levels,
                h->payload->config.kaslr == LOADER_KASLR_OFF ? NULL : h->random);
    TRY(paging_init(&h->paging, h->memory, levels, h->why));
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
    return payload_entry(p, at_phys(h->image_phys), h->image_virt, &h->entry, h->why);
}

/* --- the harts -------------------------------------------------------------------------------- */

static uint64_t stack_size(const struct handover *h) {
    return (uint64_t)h->payload->config.stack_pages * BOOT_PAGE_SIZE;
}

/* Its record stands at the top of its stack: memory that stays the payload's, and that nobody but the
 * hart itself ever writes. */
static status_t place_hart(struct handover *h, uint32_t i) {
    const struct elf64_phdr *tls = h->payload->tls;
    struct handover_hart *hart = &h->harts[i];
    uint64_t guard = (uint64_t)h->payload->config.stack_guard_pages * BOOT_PAGE_SIZE;
    uint64_t phys;
    TRY(place(h, "a stack", stack_size(h), guard, PAGING_READ_WRITE, &hart->stack, &phys));
    hart->entry = at_phys(phys + stack_size(h) - sizeof(*hart->entry));
    uint64_t area_size = tls == NULL || tls->memsz == 0 ? BOOT_PAGE_SIZE : page_up(tls->memsz);
    TRY(place(h, "a per-hart area", area_size, BOOT_PAGE_SIZE, PAGING_READ_WRITE, &hart->area,
              &phys));
    if (tls != NULL) {
        /* From the loaded image, where the template is relocated. */
        memcpy(at_phys(phys), at_phys(h->image_phys + tls->vaddr), tls->filesz);
    }
    *hart->entry = (struct arch_entry){
        .root = arch_root(h->paging.root, h->paging.levels),
        .handoff = h->handoff.virt,
        .entry = h->entry,
        .stack = hart->stack + stack_size(h),
        .area = hart->area,
        .hart = h->machine->harts[i].id,
    };
    return STATUS_OK;
}

static status_t place_heap(struct handover *h) {
    uint64_t phys, size = (uint64_t)h->payload->config.heap_pages * BOOT_PAGE_SIZE;
    if (size == 0) {
        return STATUS_OK;
    }
    h->heap_size = size;
    return place(h, "the heap", size, BOOT_PAGE_SIZE, PAGING_READ_WRITE, &h->heap, &phys);
}

/* The boot hart, and of the others as many as the payload wants, in the tree's order. */
status_t handover_harts(struct handover *handover) {
    const struct machine *m = handover->machine;
    uint32_t mine = (uint32_t)(machine_boot_hart(m) - m->harts);
    uint32_t more = handover->payload->config.harts - 1;
    TRY(place_hart(handover, mine));
    for (uint32_t i = 0; i < m->harts_len && more > 0; i++) {
        if (i != mine) {
            TRY(place_hart(handover, i));
            more--;
        }
    }
    return place_heap(handover);
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

static void fill_harts(struct handover *h, struct boot_info *info) {
    const struct machine *m = h->machine;
    info->hart_count = m->harts_len;
    memcpy(info->harts, m->harts, m->harts_len * sizeof(m->harts[0]));
    for (uint32_t i = 0; i < m->harts_len; i++) {
        if (h->harts[i].entry != NULL) {
            info->harts[i].stack_low = h->harts[i].stack;
            info->harts[i].stack_high = h->harts[i].stack + stack_size(h);
            info->harts[i].area = h->harts[i].area;
            h->harts[i].entry->info = in_physmap(h, info);
            info->started_count++;
        }
    }
}

static void fill_places(const struct handover *h, struct boot_info *info) {
    info->paging_levels = h->paging.levels;
    info->root_table = h->paging.root;
    info->physmap = h->physmap;
    info->physmap_size = h->physmap_size;
    info->payload_virt = h->image_virt;
    info->payload_phys = h->image_phys;
    info->payload_size = h->payload->size;
    info->heap = h->heap;
    info->heap_size = h->heap_size;
    memcpy(&info->put, &h->handoff.put, sizeof(info->put));
    memcpy(&info->exit, &h->handoff.exit, sizeof(info->exit));
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
    TRY(memory_take(h->memory, BOOT_MEMORY_PAYLOAD, sizeof(*h->info), &phys, h->why));
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
    return STATUS_OK;
}

/* --- the start -------------------------------------------------------------------------------- */

/* Before the first hart enters nobody else has looked at boot_info, so it can still change. */
static void leave_out(struct handover *h, uint32_t i, const char *reason) {
    struct boot_hart *hart = &h->info->harts[i];
    struct refusal text;
    hart->stack_low = hart->stack_high = hart->area = 0;
    h->harts[i].entry = NULL;
    h->info->started_count--;
    refusal_set(&text, STATUS_OK, "loader: hart %llu left out: %s\n", (unsigned long long)hart->id,
                reason);
    console_write(text.text);
}

void handover_start(struct handover *handover) {
    struct handover *h = handover;
    const struct machine *m = h->machine;
    for (uint32_t i = 0; i < m->harts_len; i++) {
        if (h->harts[i].entry != NULL && m->harts[i].id != m->boot_hart &&
            arch_start_hart(&h->handoff, h->harts[i].entry) != 0) {
            leave_out(h, i, "the firmware does not start it");
        }
    }
    uint64_t start = arch_time();
    for (uint32_t i = 0; i < m->harts_len; i++) {
        struct arch_entry *entry = h->harts[i].entry;
        if (entry == NULL || m->harts[i].id == m->boot_hart) {
            continue;
        }
        while (!arch_has_arrived(entry) &&
               arch_time() - start < m->timebase_hz * HARTS_MAX_WAIT_SECONDS) {
            if (arch_has_stopped(entry)) {
                (void)arch_start_hart(&h->handoff, entry); /* it went astray: start.S */
            }
            arch_pause(m->timebase_hz / HARTS_LOOKS_PER_SECOND);
        }
        if (!arch_has_arrived(entry) && arch_leave_out(entry)) {
            leave_out(h, i, "it does not come");
        }
    }
}

_Noreturn void handover_enter(struct handover *handover, uint64_t ticks_at_reset,
                              uint64_t instret_at_reset) {
    struct boot_info *info = handover->info;
    const struct machine *m = handover->machine;
    info->ticks_at_reset = ticks_at_reset;
    info->instret_at_reset = instret_at_reset;
    info->ticks_at_entry = arch_time();
    info->instret_at_entry = arch_instret();
    arch_open(&handover->handoff);
    for (uint32_t i = 0; i < m->harts_len; i++) {
        if (handover->harts[i].entry != NULL && m->harts[i].id != m->boot_hart) {
            arch_wake(m->harts[i].id);
        }
    }
    arch_enter(&handover->handoff, handover->harts[machine_boot_hart(m) - m->harts].entry);
}
