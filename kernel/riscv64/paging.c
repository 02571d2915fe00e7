/*
 * Page tables: Sv39, Sv48, Sv57, whichever the loader chose. User pages are 4 KiB, or 2 MiB: an entry
 * one level up, which is cut into 512 small ones when a part of it changes. So that this cannot fail,
 * a table for it is kept with the large page. Tables of the user half are made when needed and freed when empty. Top-level entries of the kernel half all
 * come from the loader's table, plus one for the window of kernel stacks, and are copied into every
 * space, so they may not change afterwards.
 *
 * An entry that is not zero but not valid keeps the frame of a page protected to PROT_NONE.
 *
 * Locks: the caller holds the lock of whatever owns the table.
 */
#include "abi/boot.h"
#include "kernel/assert.h"
#include "kernel/harts.h"
#include "kernel/mm/frame.h"
#include "kernel/random.h"
#include "kernel/riscv64/asm.h"
#include "kernel/riscv64/entry.h"
#include "kernel/riscv64/sbi.h"
#include "kernel/sync.h"

#include <string.h>

typedef uint64_t pte_t;

enum {
    PTE_VALID = 0x1,
    PTE_READ = 0x2,
    PTE_WRITE = 0x4,
    PTE_EXECUTE = 0x8,
    PTE_USER = 0x10,
    PTE_GLOBAL = 0x20,
    PTE_ACCESSED = 0x40,
    PTE_DIRTY = 0x80,
    PTE_KEPT = 0x100,   /* software: a frame without access */
    PTE_SHARED = 0x200, /* software: not to be freed with the mapping */
    PTE_LEAF = PTE_READ | PTE_WRITE | PTE_EXECUTE,
    PTE_PPN_SHIFT = 10,
    LEVEL_BITS = 9,
    TABLE_LEN = 512,
    FLUSH_PAGES = 16, /* beyond this, flush the whole address space */
};

#define PTE_PPN_MASK (((UINT64_C(1) << 44) - 1) << PTE_PPN_SHIFT)

static struct pagetable kernel_table;
static size_t table_count; /* without the loader\'s, and those kept with large pages */
static vaddr_t window_start;
static size_t window_size;

static pte_t *table_at(paddr_t pa) {
    return frame_pointer(pa);
}

static paddr_t pte_address(pte_t pte) {
    return (pte & PTE_PPN_MASK) >> PTE_PPN_SHIFT << PAGE_SHIFT;
}

static pte_t pte_of(paddr_t pa, uint64_t bits) {
    return pa >> PAGE_SHIFT << PTE_PPN_SHIFT | bits;
}

static unsigned level_shift(unsigned level) {
    return PAGE_SHIFT + LEVEL_BITS * level;
}

static unsigned index_at(vaddr_t va, unsigned level) {
    return (unsigned)(va >> level_shift(level)) & (TABLE_LEN - 1);
}

/* Not a table: a page, present or kept. Small ones are at level 0, large ones at level 1. */
static bool is_page(pte_t pte) {
    return pte != 0 && (!(pte & PTE_VALID) || (pte & PTE_LEAF));
}

static bool is_table(pte_t pte) {
    return (pte & (PTE_VALID | PTE_LEAF)) == PTE_VALID;
}

static uint64_t bits_of_prot(unsigned prot) {
    if (!(prot & (PROT_READ | PROT_WRITE | PROT_EXECUTE))) {
        return PTE_KEPT;
    }
    /* READ, WRITE, EXECUTE and USER are in the order of the entry's. */
    _Static_assert((PROT_READ << 1 | PROT_WRITE << 1 | PROT_EXECUTE << 1 | PROT_USER << 1) ==
                           (PTE_LEAF | PTE_USER) &&
                       PROT_READ << 1 == PTE_READ && PROT_WRITE << 1 == PTE_WRITE &&
                       PROT_EXECUTE << 1 == PTE_EXECUTE,
                   "one shift");
    uint64_t bits = PTE_VALID | PTE_ACCESSED | (prot << 1 & (PTE_LEAF | PTE_USER));
    bits |= prot & PROT_WRITE ? PTE_DIRTY : 0;
    bits |= prot & PROT_USER ? 0 : PTE_GLOBAL;
    bits |= prot & PROT_SHARED ? PTE_SHARED : 0;
    return bits;
}

static unsigned prot_of_bits(pte_t pte) {
    if (!(pte & PTE_VALID)) {
        return PROT_NONE;
    }
    return (pte & PTE_READ ? PROT_READ : 0u) | (pte & PTE_WRITE ? PROT_WRITE : 0u) |
           (pte & PTE_EXECUTE ? PROT_EXECUTE : 0u) | (pte & PTE_USER ? PROT_USER : 0u);
}

/* The entry for va at the lowest level that exists, and that level. Where a table is missing, the
 * empty entry above it. */
static pte_t *find_entry(const struct pagetable *pt, vaddr_t va, unsigned *level_out) {
    unsigned level = machine.levels - 1, shift = level_shift(level);
    pte_t *entry = &table_at(pt->root)[va >> shift & (TABLE_LEN - 1)];
    while (level > 0 && is_table(*entry)) {
        level--;
        shift -= LEVEL_BITS;
        entry = &table_at(pte_address(*entry))[va >> shift & (TABLE_LEN - 1)];
    }
    *level_out = level;
    return entry;
}

static status_t add_table(pte_t *entry, struct quota *quota) {
    paddr_t table;
    TRY(frame_alloc_zeroed(quota, &table));
    __atomic_fetch_add(&table_count, 1, __ATOMIC_RELAXED);
    *entry = pte_of(table, PTE_VALID);
    return STATUS_OK;
}

size_t arch_table_count(void) {
    return __atomic_load_n(&table_count, __ATOMIC_RELAXED);
}

/* The entry for va at level `lowest`, its tables made where they are missing. On failure, those made so
 * far stay: they are empty, and go with the next unmapping. */
static status_t make_entry(struct pagetable *pt, vaddr_t va, unsigned lowest, struct quota *quota,
                           pte_t **entry_out) {
    unsigned level;
    pte_t *entry = find_entry(pt, va, &level);
    while (level > lowest) {
        assert(*entry == 0);
        TRY(add_table(entry, quota));
        entry = find_entry(pt, va, &level);
    }
    *entry_out = entry;
    return STATUS_OK;
}

status_t arch_map_some(struct pagetable *pt, vaddr_t va, const paddr_t *frames, size_t len,
                       unsigned prot, struct quota *quota) {
    unsigned level;
    pte_t *entry = find_entry(pt, va, &level);
    uint64_t bits = bits_of_prot(prot);
    assert(index_at(va, 0) + len <= TABLE_LEN);
    if (level > 0) {
        TRY(make_entry(pt, va, 0, quota, &entry));
    }
    for (size_t i = 0; i < len; i++) {
        assert(entry[i] == 0);
        entry[i] = pte_of(frames[i], bits);
    }
    return STATUS_OK;
}

status_t arch_map(struct pagetable *pt, vaddr_t va, paddr_t pa, unsigned prot,
                  struct quota *quota) {
    return arch_map_some(pt, va, &pa, 1, prot, quota);
}

size_t arch_gap(const struct pagetable *pt, vaddr_t va, size_t len) {
    unsigned level;
    const pte_t *entry = find_entry(pt, va, &level);
    size_t most = TABLE_LEN - index_at(va, 0);
    most = len < most ? len : most;
    size_t gap = 0;
    while (gap < most && (level > 0 || entry[gap] == 0)) {
        gap++;
    }
    return gap;
}

/* Frames out of use, chained through their first words. */
static void chain(paddr_t *first, paddr_t frame) {
    *(paddr_t *)frame_pointer(frame) = *first;
    *first = frame;
}

static paddr_t unchain(paddr_t *first) {
    paddr_t frame = *first;
    *first = *(paddr_t *)frame_pointer(frame);
    return frame;
}

/* ---- large pages ---- */

bool arch_large_fits(const struct pagetable *pt, vaddr_t va) {
    unsigned level;
    const pte_t *entry = find_entry(pt, va, &level);
    return va % ARCH_LARGE_SIZE == 0 && level > 0 && *entry == 0;
}

status_t arch_map_large(struct pagetable *pt, vaddr_t va, paddr_t pa, unsigned prot,
                        struct quota *quota) {
    pte_t *entry;
    paddr_t spare;
    assert((va | pa) % ARCH_LARGE_SIZE == 0);
    TRY(make_entry(pt, va, 1, quota, &entry));
    TRY(frame_alloc(0, quota, &spare));
    chain(&pt->spares, spare);
    assert(*entry == 0);
    *entry = pte_of(pa, bits_of_prot(prot));
    return STATUS_OK;
}

/* The same translations by small pages. */
static void split_large(struct pagetable *pt, pte_t *entry) {
    paddr_t table = unchain(&pt->spares);
    __atomic_fetch_add(&table_count, 1, __ATOMIC_RELAXED);
    paddr_t first = pte_address(*entry);
    uint64_t bits = *entry & ~PTE_PPN_MASK;
    for (unsigned i = 0; i < TABLE_LEN; i++) {
        table_at(table)[i] = pte_of(first + i * PAGE_SIZE, bits);
    }
    if (!(bits & PTE_SHARED)) {
        frame_split(first, LEVEL_BITS);
    }
    __atomic_store_n(entry, pte_of(table, PTE_VALID), __ATOMIC_RELEASE);
}

/* The entry of the page at va whose change from there to `end` concerns it as a whole, or an empty one;
 * a large page that `end` or va cuts becomes small ones. */
static pte_t *find_whole(struct pagetable *pt, vaddr_t va, vaddr_t end, unsigned *level_out) {
    pte_t *entry = find_entry(pt, va, level_out);
    bool is_large = *level_out > 0 && is_page(*entry);
    if (is_large && (va % ARCH_LARGE_SIZE != 0 || end - va < ARCH_LARGE_SIZE)) {
        split_large(pt, entry);
        entry = find_entry(pt, va, level_out);
    }
    return entry;
}

bool arch_lookup(const struct pagetable *pt, vaddr_t va, paddr_t *pa_out, unsigned *prot_out) {
    unsigned level;
    pte_t pte = *find_entry(pt, va, &level);
    if (pte == 0) {
        return false;
    }
    vaddr_t size = (vaddr_t)1 << level_shift(level);
    *pa_out = pte_address(pte) + PAGE_ALIGN_DOWN(va & (size - 1));
    *prot_out = prot_of_bits(pte);
    return true;
}

/* The first address after va that an entry of this level does not cover; never past `end`. */
static vaddr_t skip(vaddr_t va, unsigned level, vaddr_t end) {
    vaddr_t size = (vaddr_t)1 << level_shift(level);
    vaddr_t next = (va & ~(size - 1)) + size;
    return next < end && next > va ? next : end;
}

size_t arch_protect(struct pagetable *pt, vaddr_t start, vaddr_t end, unsigned prot) {
    size_t changed = 0;
    uint64_t bits = bits_of_prot(prot);
    vaddr_t va = start;
    while (va < end) {
        unsigned level;
        pte_t *entry = find_whole(pt, va, end, &level);
        if (*entry != 0) {
            *entry = pte_of(pte_address(*entry), bits);
            changed++;
        }
        va = skip(va, level, end);
    }
    return changed;
}

static bool table_empty(const pte_t *table) {
    for (unsigned i = 0; i < TABLE_LEN; i += 4) {
        if ((table[i] | table[i + 1] | table[i + 2] | table[i + 3]) != 0) {
            return false;
        }
    }
    return true;
}

static void flush_local(vaddr_t start, vaddr_t end, uint64_t asid) {
    /* Only the form without an address forgets pointers to tables too. */
    if (end - start > FLUSH_PAGES * PAGE_SIZE) {
        __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
        return;
    }
    for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
        __asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
    }
}

/* Kernel pages are global: a flush by address space would leave them. */
static void flush_kernel_local(vaddr_t start, vaddr_t end) {
    for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
        __asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory");
    }
}

static uint64_t bit_here(void) {
    return UINT64_C(1) << hart_self()->index;
}

/* Those of the mask that translate through pt now. */
static uint64_t users_of(const struct pagetable *pt, uint64_t hart_mask) {
    uint64_t users = 0;
    for (; hart_mask; hart_mask &= hart_mask - 1) {
        unsigned hart = (unsigned)__builtin_ctzll(hart_mask);
        if (__atomic_load_n(&harts_at(hart)->table, __ATOMIC_SEQ_CST) == pt) {
            users |= UINT64_C(1) << hart;
        }
    }
    return users;
}

/* Other harts that may hold translations are told that they are stale; those that translate through pt
 * now may not have seen that, and are interrupted. */
static void flush_others(struct pagetable *pt, vaddr_t start, vaddr_t end, uint64_t asid) {
    uint64_t window, base;
    uint64_t others = __atomic_load_n(&pt->ran_on, __ATOMIC_SEQ_CST) & ~bit_here();
    if (others == 0) {
        return;
    }
    __atomic_fetch_or(&pt->stale_on, others, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    others = users_of(pt, others);
    counters_add(COUNTER_SHOOTDOWNS, (uint64_t)__builtin_popcountll(others));
    while (hart_next_window(&others, &window, &base)) {
        sbi_sfence_vma(window, base, start, end - start, asid);
    }
}

void arch_tlb_flush(struct pagetable *pt, vaddr_t start, vaddr_t end) {
    irq_state_t irq = arch_irq_save(); /* or this hart may become one of the others */
    if (pt == &kernel_table) {
        flush_kernel_local(start, end);
    } else {
        uint32_t asid = asid_of(pt);
        flush_local(start, end, asid);
        flush_others(pt, start, end, asid);
    }
    arch_irq_restore(irq);
}

void arch_icache_publish(struct pagetable *pt) {
    uint64_t window, base;
    irq_state_t irq = arch_irq_save(); /* or this hart may become one of the others */
    __asm__ volatile("fence rw, rw\n fence.i" ::: "memory");
    __atomic_fetch_or(&pt->stale_code_on, ~bit_here(), __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint64_t others = users_of(pt, harts_online_mask() & ~bit_here());
    counters_add(COUNTER_CODE_FENCES, (uint64_t)__builtin_popcountll(others));
    while (hart_next_window(&others, &window, &base)) {
        sbi_fence_i(window, base);
    }
    arch_irq_restore(irq);
}

/* Taken out of a table, but not free yet. */
struct removed {
    paddr_t first, first_large; /* 0: none */
    size_t pages, tables;
};

static void unlink_page(struct pagetable *pt, pte_t *entry, unsigned level,
                        struct removed *removed) {
    pte_t pte = *entry;
    *entry = 0;
    removed->pages += (size_t)1 << (LEVEL_BITS * level);
    if (level > 0) {
        chain(&removed->first, unchain(&pt->spares));
    }
    if (!(pte & PTE_SHARED)) {
        chain(level > 0 ? &removed->first_large : &removed->first, pte_address(pte));
    }
}

/* Unlinks the tables on the path to va that are empty, from the lowest up, never the root. */
static void prune(struct pagetable *pt, vaddr_t va, struct removed *removed) {
    for (unsigned target = 0; target + 1 < machine.levels; target++) {
        unsigned level = machine.levels - 1;
        pte_t *entry = &table_at(pt->root)[index_at(va, level)];
        while (level > target + 1 && is_table(*entry)) {
            level--;
            entry = &table_at(pte_address(*entry))[index_at(va, level)];
        }
        if (!is_table(*entry)) {
            continue;
        }
        paddr_t table = pte_address(*entry);
        if (!table_empty(table_at(table))) {
            return;
        }
        *entry = 0;
        removed->tables++;
        chain(&removed->first, table);
    }
}

static void unlink_range(struct pagetable *pt, vaddr_t start, vaddr_t end,
                         struct removed *removed) {
    vaddr_t va = start;
    while (va < end) {
        unsigned level;
        pte_t *entry = find_whole(pt, va, end, &level);
        if (*entry != 0) {
            unlink_page(pt, entry, level, removed);
        }
        vaddr_t next = skip(va, level, end);
        /* The last entry of a table, or of the range: the tables on the way may be empty now. */
        if (pt != &kernel_table && (next == end || index_at(next, level) == 0)) {
            prune(pt, va, removed);
        }
        va = next;
    }
}

/* Nobody gets at the pages of a range any more, once their translations are forgotten; they stay linked. Returns
 * how many. */
static size_t revoke(struct pagetable *pt, vaddr_t start, vaddr_t end) {
    size_t revoked = 0;
    for (vaddr_t va = start; va < end;) {
        unsigned level;
        pte_t *entry = find_whole(pt, va, end, &level);
        if (*entry & PTE_VALID) {
            *entry = (*entry & ~(pte_t)(PTE_VALID | PTE_LEAF)) | PTE_KEPT;
            revoked++;
        }
        va = skip(va, level, end);
    }
    return revoked;
}

size_t arch_unmap_free(struct pagetable *pt, vaddr_t start, vaddr_t end) {
    struct removed removed = {0};
    /* The chain lies in the pages: threads of the space that run meanwhile must not reach them. Tables may be
     * chained before harts forget them: what lies in a chain is no valid entry. */
    if (revoke(pt, start, end) > 0) {
        arch_tlb_flush(pt, start, end);
    }
    unlink_range(pt, start, end, &removed);
    __atomic_fetch_sub(&table_count, removed.tables, __ATOMIC_RELAXED);
    if (removed.tables > 0) {
        arch_tlb_flush(pt, 0, arch_user_end());
    }
    while (removed.first) {
        frame_free(unchain(&removed.first), 0);
    }
    while (removed.first_large) {
        frame_free(unchain(&removed.first_large), LEVEL_BITS);
    }
    return removed.pages;
}

void arch_pagetable_use(struct pagetable *pt) {
    struct hart *hart = hart_self();
    uint64_t bit = bit_here();
    __atomic_store_n(&hart->table, pt, __ATOMIC_RELAXED);
    if (!pt) {
        csr_write(satp, kernel_table.selector);
        return;
    }
    __atomic_fetch_or(&pt->ran_on, bit, __ATOMIC_SEQ_CST);
    uint32_t asid = asid_enter(pt);
    csr_write(satp, satp_of(pt, asid));
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* who did not see hart->table has set these two before */
    if (asid == 0 || (__atomic_load_n(&pt->stale_on, __ATOMIC_RELAXED) & bit)) {
        __atomic_fetch_and(&pt->stale_on, ~bit, __ATOMIC_SEQ_CST);
        __asm__ volatile("sfence.vma zero, %0" ::"r"((uint64_t)asid) : "memory");
    }
    if (__atomic_load_n(&pt->stale_code_on, __ATOMIC_RELAXED) & bit) {
        __atomic_fetch_and(&pt->stale_code_on, ~bit, __ATOMIC_SEQ_CST);
        __asm__ volatile("fence.i" ::: "memory");
    }
}

vaddr_t arch_user_end(void) {
    return machine.user_end;
}

/* An empty top-level entry of the kernel half, from a random start. */
static unsigned free_top_entry(const pte_t *root) {
    unsigned half = TABLE_LEN / 2;
    unsigned first = (unsigned)(random_u64() % half);
    for (unsigned i = 0; i < half; i++) {
        unsigned index = half + (first + i) % half;
        if (root[index] == 0) {
            return index;
        }
    }
    panic("no free entry in the kernel's page table");
}

static uint64_t selector_of(paddr_t root) {
    return (uint64_t)(machine.levels + 5) << 60 | root >> PAGE_SHIFT;
}

status_t arch_paging_init(const struct boot_info *info) {
    kernel_table.root = info->root_table;
    kernel_table.selector = selector_of(kernel_table.root);
    asid_init();
    pte_t *root = table_at(kernel_table.root);
    memset(root, 0, TABLE_LEN / 2 * sizeof(pte_t));
    unsigned index = free_top_entry(root);
    TRY(add_table(&root[index], NULL));
    unsigned shift = level_shift(machine.levels - 1);
    vaddr_t high = ~(vaddr_t)0 << (shift + LEVEL_BITS - 1);
    window_start = high | (vaddr_t)index << shift;
    window_size = (size_t)1 << shift;
    __asm__ volatile("sfence.vma" ::: "memory");
    return STATUS_OK;
}

vaddr_t arch_kernel_window(size_t *size_out) {
    *size_out = window_size;
    return window_start;
}

struct pagetable *arch_kernel_pagetable(void) {
    return &kernel_table;
}

status_t arch_pagetable_init(struct pagetable *pt, struct quota *quota) {
    TRY(frame_alloc(0, quota, &pt->root));
    __atomic_fetch_add(&table_count, 1, __ATOMIC_RELAXED);
    pte_t *root = table_at(pt->root);
    const pte_t *kernel = table_at(kernel_table.root);
    memset(root, 0, TABLE_LEN / 2 * sizeof(pte_t));
    memcpy(root + TABLE_LEN / 2, kernel + TABLE_LEN / 2, TABLE_LEN / 2 * sizeof(pte_t));
    pt->selector = selector_of(pt->root);
    pt->context = pt->ran_on = pt->stale_on = pt->stale_code_on = 0;
    pt->spares = 0;
    return STATUS_OK;
}

void arch_pagetable_fini(struct pagetable *pt) {
    assert(pt->spares == 0 && users_of(pt, pt->ran_on) == 0);
    frame_free(pt->root, 0);
    __atomic_fetch_sub(&table_count, 1, __ATOMIC_RELAXED);
    pt->root = 0;
}

/* Assembly, since compilers turn the loop into calls of memset(). Runs of 2 KiB: longer ones are hardly quicker,
 * and take more of the instruction cache. */
void arch_page_zero(void *page) {
    counters_add(COUNTER_FRAMES_ZEROED, 1);
    char *end = (char *)page + PAGE_SIZE;
    for (char *at = page; at < end; at += 2048) {
        __asm__ volatile(".set offset, 0\n"
                         ".rept 256\n"
                         "sd zero, offset(%0)\n"
                         ".set offset, offset + 8\n"
                         ".endr" ::"r"(at)
                         : "memory");
    }
}
