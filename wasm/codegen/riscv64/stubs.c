/*
 * The domain's stubs; see stubs.h. memory.copy and memory.fill check everything before they write
 * anything, then go by 32 and 8 bytes wherever source and destination allow; a source that is not
 * aligned as the destination is goes through aligned loads and shifts, since misaligned accesses may be
 * emulated by the firmware. No load touches an aligned word without a byte that is to be copied.
 *
 * A helper is called like any function: it may destroy t0-t4, a0-a7 and the float registers that
 * calls destroy.
 */
#include "wasm/codegen/riscv64/stubs.h"

#include "wasm/codegen/layout.h"
#include "wasm/codegen/riscv64/lines.h"

#define SMALL 16 /* below this, byte by byte */

struct writer {
    struct lines lines;
    label_t leave; /* of the helper being written */
    label_t trap;
};

static void put(struct writer *w, uint32_t word) {
    lines_put(&w->lines, word);
}
static void branch(struct writer *w, enum cond cond, reg_t x, reg_t y, label_t to) {
    lines_branch(&w->lines, cond, x, y, to);
}
static label_t label(struct writer *w) {
    return lines_label(&w->lines);
}
static label_t here(struct writer *w) {
    return lines_here(&w->lines);
}
static void bind(struct writer *w, label_t l) {
    lines_bind(&w->lines, l);
}

static void zero_extend(struct writer *w, reg_t r) {
    put(w, encode_SLLI(r, r, 32));
    put(w, encode_SRLI(r, r, 32));
}

/* t0 = size of memory 0. Leaves when the instance has none, or `memories` is not 0. */
static void put_memory_size(struct writer *w, reg_t memories) {
    branch(w, COND_NE, memories, ZERO, w->leave);
    put(w, encode_LD(T0, TP, offsetof(struct instance_area, memory_area)));
    branch(w, COND_EQ, T0, ZERO, w->leave);
    put(w, encode_LD(T0, T0, offsetof(struct memory_area, size)));
}

/* Traps unless [at, at + len) lies in the memory, whose size is in t0. */
static void put_bounds(struct writer *w, reg_t at, reg_t len) {
    put(w, encode_ADD(T1, at, len));
    branch(w, COND_LTU, T0, T1, w->trap);
}

static void put_advance(struct writer *w, reg_t to, reg_t from, reg_t len, int64_t by) {
    put(w, encode_ADDI(to, to, by));
    if (from != ZERO) {
        put(w, encode_ADDI(from, from, by));
    }
    put(w, encode_ADDI(len, len, by < 0 ? by : -by));
}

/* While len >= `step`: copies `step` bytes, upwards or downwards. Loads go through t0, a5, a6, a7. */
static void put_copy_words(struct writer *w, int64_t step, bool down) {
    static const reg_t through[4] = {T0, A5, A6, A7};
    int64_t words = step / 8;
    label_t done = label(w);
    put(w, encode_ADDI(T2, ZERO, step));
    branch(w, COND_LTU, A4, T2, done);
    label_t loop = here(w);
    for (int64_t i = 0; i < words; i++) {
        put(w, encode_LD(through[i], A3, down ? -8 * (i + 1) : 8 * i));
    }
    for (int64_t i = 0; i < words; i++) {
        put(w, encode_SD(through[i], A2, down ? -8 * (i + 1) : 8 * i));
    }
    put_advance(w, A2, A3, A4, down ? -step : step);
    branch(w, COND_GEU, A4, T2, loop);
    bind(w, done);
}

static void put_copy_byte(struct writer *w, bool down) {
    put(w, encode_LBU(T0, A3, down ? -1 : 0));
    put(w, encode_SB(T0, A2, down ? -1 : 0));
    put_advance(w, A2, A3, A4, down ? -1 : 1);
}

/* The remaining a4 bytes one by one, and back to the caller. */
static void put_copy_bytes(struct writer *w, bool down) {
    label_t done = label(w);
    branch(w, COND_EQ, A4, ZERO, done);
    label_t loop = here(w);
    put_copy_byte(w, down);
    branch(w, COND_NE, A4, ZERO, loop);
    bind(w, done);
    put(w, encode_JALR(ZERO, RA, 0));
}

/* Bytes until the destination is aligned. */
static void put_copy_head(struct writer *w, bool down) {
    label_t done = label(w);
    label_t loop = here(w);
    put(w, encode_ANDI(T0, A2, 7));
    branch(w, COND_EQ, T0, ZERO, done);
    put_copy_byte(w, down);
    lines_jump(&w->lines, loop);
    bind(w, done);
}

/* Destination aligned, source off by t1 (1..7) bytes, a4 >= 8: words from pairs of aligned words. */
static void put_copy_shifted(struct writer *w, label_t bytes) {
    put(w, encode_ANDI(A3, A3, -8));
    put(w, encode_SLLI(T1, T1, 3));
    put(w, encode_SUB(T2, ZERO, T1)); /* shifts look at six bits: 64 - t1 */
    put(w, encode_ADDI(A7, ZERO, 8));
    put(w, encode_LD(T0, A3, 0));
    label_t loop = here(w);
    put(w, encode_LD(A5, A3, 8));
    put(w, encode_SRL(T0, T0, T1));
    put(w, encode_SLL(A6, A5, T2));
    put(w, encode_OR(T0, T0, A6));
    put(w, encode_SD(T0, A2, 0));
    put(w, encode_ADDI(T0, A5, 0));
    put_advance(w, A2, A3, A4, 8);
    branch(w, COND_GEU, A4, A7, loop);
    put(w, encode_SRLI(T1, T1, 3));
    put(w, encode_ADD(A3, A3, T1));
    lines_jump(&w->lines, bytes);
}

static void put_copy_up(struct writer *w) {
    label_t bytes = label(w), shifted = label(w);
    put(w, encode_SLTIU(T0, A4, SMALL));
    branch(w, COND_NE, T0, ZERO, bytes);
    put_copy_head(w, false);
    put(w, encode_ANDI(T1, A3, 7));
    branch(w, COND_NE, T1, ZERO, shifted);
    put_copy_words(w, 32, false);
    put_copy_words(w, 8, false);
    bind(w, bytes);
    put_copy_bytes(w, false);
    bind(w, shifted);
    put_copy_shifted(w, bytes);
}

/* From the ends, for a destination that overlaps the source from above. */
static void put_copy_down(struct writer *w) {
    label_t bytes = label(w);
    put(w, encode_ADD(A2, A2, A4));
    put(w, encode_ADD(A3, A3, A4));
    put(w, encode_SLTIU(T0, A4, SMALL));
    branch(w, COND_NE, T0, ZERO, bytes);
    put(w, encode_XOR(T0, A2, A3));
    put(w, encode_ANDI(T0, T0, 7));
    branch(w, COND_NE, T0, ZERO, bytes);
    put_copy_head(w, true);
    put_copy_words(w, 32, true);
    put_copy_words(w, 8, true);
    bind(w, bytes);
    put_copy_bytes(w, true);
}

/* (a0 destination memory, a1 source memory, a2 destination, a3 source, a4 size) */
static void put_memory_copy(struct writer *w) {
    label_t down = label(w);
    put(w, encode_OR(T0, A0, A1));
    put_memory_size(w, T0);
    zero_extend(w, A2);
    zero_extend(w, A3);
    zero_extend(w, A4);
    put_bounds(w, A2, A4);
    put_bounds(w, A3, A4);
    put(w, encode_SUB(T1, A2, A3));
    put(w, encode_ADD(A2, A2, GP));
    put(w, encode_ADD(A3, A3, GP));
    branch(w, COND_LTU, T1, A4, down);
    put_copy_up(w);
    bind(w, down);
    put_copy_down(w);
}

static void put_fill_words(struct writer *w, int64_t step) {
    label_t done = label(w);
    put(w, encode_ADDI(T2, ZERO, step));
    branch(w, COND_LTU, A3, T2, done);
    label_t loop = here(w);
    for (int64_t i = 0; i < step; i += 8) {
        put(w, encode_SD(A2, A1, i));
    }
    put_advance(w, A1, ZERO, A3, step);
    branch(w, COND_GEU, A3, T2, loop);
    bind(w, done);
}

static void put_fill_byte(struct writer *w) {
    put(w, encode_SB(A2, A1, 0));
    put_advance(w, A1, ZERO, A3, 1);
}

static void put_fill_head(struct writer *w) {
    label_t done = label(w);
    label_t loop = here(w);
    put(w, encode_ANDI(T0, A1, 7));
    branch(w, COND_EQ, T0, ZERO, done);
    put_fill_byte(w);
    lines_jump(&w->lines, loop);
    bind(w, done);
}

/* The byte in a2 in all eight of its bytes. */
static void put_splat(struct writer *w) {
    put(w, encode_ANDI(A2, A2, 255));
    for (uint32_t bits = 8; bits < 64; bits *= 2) {
        put(w, encode_SLLI(T0, A2, bits));
        put(w, encode_OR(A2, A2, T0));
    }
}

/* (a0 memory, a1 destination, a2 value, a3 size) */
static void put_memory_fill(struct writer *w) {
    label_t bytes = label(w), done = label(w);
    put_memory_size(w, A0);
    zero_extend(w, A1);
    zero_extend(w, A3);
    put_bounds(w, A1, A3);
    put(w, encode_ADD(A1, A1, GP));
    put(w, encode_SLTIU(T0, A3, SMALL));
    branch(w, COND_NE, T0, ZERO, bytes);
    put_splat(w);
    put_fill_head(w);
    put_fill_words(w, 32);
    put_fill_words(w, 8);
    bind(w, bytes);
    branch(w, COND_EQ, A3, ZERO, done);
    label_t loop = here(w);
    put_fill_byte(w);
    branch(w, COND_NE, A3, ZERO, loop);
    bind(w, done);
    put(w, encode_JALR(ZERO, RA, 0));
}

struct stubs *stubs_new(struct arena *arena, uint32_t exit_instruction) {
    struct stubs *stubs = arena_new(arena, struct stubs);
    struct writer w = {0};
    struct code code = {0};
    label_t entry[HELPER_COUNT], leave[HELPER_COUNT];
    lines_init(&w.lines, arena);
    for (uint32_t i = 0; i < HELPER_COUNT; i++) {
        entry[i] = here(&w);
        leave[i] = w.leave = label(&w);
        w.trap = label(&w);
        if (i == HELPER_MEMORY_COPY) {
            put_memory_copy(&w);
        } else if (i == HELPER_MEMORY_FILL) {
            put_memory_fill(&w);
        }
        bind(&w, w.leave);
        lines_put4(&w.lines, exit_instruction);
        put(&w, encode_JALR(ZERO, RA, 0));
        bind(&w, w.trap);
        if (i == HELPER_MEMORY_COPY || i == HELPER_MEMORY_FILL) {
            lines_trap(&w.lines, TRAP_MEMORY_BOUNDS);
        }
    }
    label_t leave_return = here(&w);
    lines_put4(&w.lines, exit_instruction);
    lines_finish(&w.lines, arena, &code);
    stubs->bytes = code.bytes;
    stubs->size = code.size;
    stubs->sites = code.sites;
    stubs->site_count = code.site_count;
    stubs->leave_return = lines_offset_of(&w.lines, leave_return);
    for (uint32_t i = 0; i < HELPER_COUNT; i++) {
        stubs->helper[i] = lines_offset_of(&w.lines, entry[i]);
        stubs->leave[i] = lines_offset_of(&w.lines, leave[i]);
    }
    return stubs;
}

/* ---- single stubs -------------------------------------------------------------------------- */

static void write_word(uint8_t *to, uint32_t word) {
    for (uint32_t i = 0; i < 4; i++) {
        to[i] = (uint8_t)(word >> (8 * i));
    }
}

void stubs_write_host(uint8_t bytes[STUBS_HOST_SIZE], uint32_t exit_instruction) {
    write_word(bytes, exit_instruction);
    write_word(bytes + 4, encode_JALR(ZERO, RA, 0));
}

void stubs_write_quick(uint8_t bytes[STUBS_QUICK_SIZE], uint32_t exit_instruction,
                       uint32_t offset) {
    write_word(bytes, encode_ADDI(T0, ZERO, offset));
    write_word(bytes + STUBS_QUICK_EXIT, exit_instruction);
    write_word(bytes + STUBS_QUICK_EXIT + 4, encode_JALR(ZERO, RA, 0));
}

void stubs_write_lazy(uint8_t bytes[STUBS_LAZY_SIZE], uint32_t exit_instruction) {
    write_word(bytes, exit_instruction);
    write_word(bytes + 4, 0);
}

/* Far: auipc into `through`, jalr with link in rd. */
static uint32_t write_far(uint8_t *bytes, reg_t rd, reg_t through, int64_t distance) {
    if (!encode_fits(distance, 31)) {
        return 0;
    }
    write_word(bytes, encode_AUIPC(through, encode_hi(distance)));
    write_word(bytes + 4, encode_JALR(rd, through, encode_lo(distance)));
    return 8;
}

uint32_t stubs_write_jump(uint8_t bytes[STUBS_LAZY_SIZE], uint64_t from, uint64_t to) {
    int64_t distance = (int64_t)(to - from);
    if (encode_fits(distance, 21)) {
        write_word(bytes, encode_JAL(ZERO, distance));
        return 4;
    }
    return write_far(bytes, ZERO, T5, distance);
}

uint32_t stubs_write_call(uint8_t bytes[8], uint8_t kind, uint64_t from, uint64_t to) {
    int64_t distance = (int64_t)(to - from);
    if (kind == CODE_RELOC_FAR) {
        return write_far(bytes, RA, RA, distance);
    }
    if (!encode_fits(distance, 21)) {
        return 0;
    }
    write_word(bytes, encode_JAL(RA, distance));
    return 4;
}
