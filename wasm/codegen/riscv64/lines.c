/*
 * Lines to bytes; see lines.h. Linear: each round of growing looks at every line once, and there are
 * few rounds, at most ROUNDS.
 */
#include "wasm/codegen/riscv64/lines.h"

#include "base/bits.h"

#include <assert.h>
#include <string.h>

#define LABEL_OPEN UINT32_MAX

void lines_init(struct lines *lines, struct arena *arena) {
    *lines = (struct lines){.arena = arena};
}

label_t lines_label(struct lines *lines) {
    vec_push(lines->arena, &lines->labels, LABEL_OPEN);
    return lines->labels.len - 1;
}

void lines_bind(struct lines *lines, label_t label) {
    assert(lines->labels.at[label] == LABEL_OPEN);
    lines->labels.at[label] = lines->list.len;
}

label_t lines_here(struct lines *lines) {
    label_t label = lines_label(lines);
    lines_bind(lines, label);
    return label;
}

static inline void add(struct lines *lines, enum line_kind kind, uint32_t word, uint32_t label,
                       uint32_t size) {
    struct line line = {.kind = (uint8_t)kind, .word = word, .label = label, .size = (uint8_t)size};
    vec_push(lines->arena, &lines->list, line);
}

void lines_put(struct lines *lines, uint32_t word) {
    uint16_t half = encode_compress(word);
    if (half != 0) {
        add(lines, LINE_HALF, half, 0, 2);
    } else {
        add(lines, LINE_WORD, word, 0, 4);
    }
}
void lines_put4(struct lines *lines, uint32_t word) {
    add(lines, LINE_WORD4, word, 0, 4);
}

void lines_branch(struct lines *lines, enum cond cond, reg_t x, reg_t y, label_t to) {
    if ((cond == COND_EQ || cond == COND_NE) && x == ZERO) {
        x = y;
        y = ZERO;
    }
    bool is_short = (cond == COND_EQ || cond == COND_NE) && y == ZERO && x >= 8 && x < 16;
    vec_push(lines->arena, &lines->branches, lines->list.len);
    add(lines, LINE_BRANCH, (uint32_t)cond | x << 8 | y << 16, to, is_short ? 2 : 4);
}

void lines_jump(struct lines *lines, label_t to) {
    vec_push(lines->arena, &lines->branches, lines->list.len);
    add(lines, LINE_JUMP, 0, to, 2);
}

void lines_call(struct lines *lines, uint32_t callee, bool is_far) {
    vec_push(lines->arena, &lines->calls, lines->list.len);
    add(lines, is_far ? LINE_CALL_FAR : LINE_CALL, 0, callee, is_far ? 8 : 4);
}

void lines_la(struct lines *lines, reg_t rd, label_t of) {
    add(lines, LINE_LA, rd, of, 8);
}

void lines_align(struct lines *lines, uint32_t to) {
    add(lines, LINE_ALIGN, to, 0, 0);
}

void lines_offset(struct lines *lines, label_t of, label_t base) {
    add(lines, LINE_OFFSET, base, of, 4);
}

void lines_load_const(struct lines *lines, enum rv_op op, reg_t rd, uint64_t bits) {
    uint32_t i = 0;
    while (i < lines->pool.len && i < 64 && lines->pool.at[i] != bits) {
        i++;
    }
    if (i == lines->pool.len || lines->pool.at[i] != bits) {
        i = lines->pool.len;
        vec_push(lines->arena, &lines->pool, bits);
    }
    add(lines, LINE_POOL, encode_inst(op, rd, T5, 0, 0), i, 8);
}

/* ---- constants ----------------------------------------------------------------------------- */

/* Zeros at the low end. */
static uint32_t low_zeros(int64_t value) {
    return value == 0 ? 0 : bits_lowest((uint64_t)value);
}

/* A constant is 32 bits by lui and addi, or such a one shifted left, or comes from the pool. */
uint32_t lines_li_cost(int64_t value) {
    if (encode_fits(value, 12)) {
        return 1;
    }
    if (encode_fits(value, 32)) {
        return encode_lo(value) == 0 ? 1 : 2;
    }
    int64_t shifted = value >> low_zeros(value);
    if (encode_fits(shifted, 12)) {
        return 2;
    }
    return 2; /* auipc, ld */
}

void lines_li(struct lines *lines, reg_t rd, int64_t value) {
    if (encode_fits(value, 12)) {
        lines_put(lines, encode_ADDI(rd, ZERO, value));
        return;
    }
    if (encode_fits(value, 32)) {
        lines_put(lines, encode_LUI(rd, encode_hi(value)));
        if (encode_lo(value) != 0) {
            /* addiw, for lui of 0x80000 and a negative low part pass through 64 bits */
            lines_put(lines, encode_ADDIW(rd, rd, encode_lo(value)));
        }
        return;
    }
    uint32_t shift = low_zeros(value);
    if (encode_fits(value >> shift, 12)) {
        lines_put(lines, encode_ADDI(rd, ZERO, value >> shift));
        lines_put(lines, encode_SLLI(rd, rd, shift));
        return;
    }
    lines_load_const(lines, RV_LD, rd, (uint64_t)value);
}

void lines_access(struct lines *lines, enum rv_op op, reg_t r, reg_t base, int64_t offset) {
    if (!encode_fits(offset, 12)) {
        lines_put(lines, encode_LUI(T5, encode_hi(offset)));
        lines_put(lines, encode_ADD(T5, T5, base));
        base = T5;
        offset = encode_lo(offset);
    }
    const struct rv_op_info *info = &rv_ops[op];
    bool is_store = info->format == FORMAT_S || info->format == FORMAT_FS;
    lines_put(lines, is_store ? encode_format_S(info->match, r, base, offset)
                              : encode_format_I(info->match, r, base, offset));
}

/* ---- sites --------------------------------------------------------------------------------- */

void lines_site(struct lines *lines, uint8_t trap) {
    struct line_site site = {.line = lines->list.len, .pos = lines->pos, .trap = trap};
    vec_push(lines->arena, &lines->sites, site);
}
void lines_site_return(struct lines *lines) {
    lines_site(lines, TRAP_NONE);
}
void lines_trap(struct lines *lines, uint8_t trap) {
    lines_site(lines, trap);
    add(lines, LINE_HALF, 0, 0, 2);
}

/* ---- settling ------------------------------------------------------------------------------ */

static uint32_t padding(const struct line *line, uint32_t offset) {
    switch (line->kind) {
    case LINE_CALL:
        return -offset & 3;
    case LINE_ALIGN:
        return -offset & (line->word - 1);
    default:
        return 0;
    }
}

/* Gives every line its offset; returns the size of all. */
static uint32_t place(struct lines *lines) {
    uint32_t offset = 0;
    for (uint32_t i = 0; i < lines->list.len; i++) {
        struct line *line = &lines->list.at[i];
        line->pad = (uint8_t)padding(line, offset);
        offset += line->pad;
        line->offset = offset;
        offset += line->size;
    }
    return offset;
}

uint32_t lines_offset_of(const struct lines *lines, label_t label) {
    uint32_t at = lines->labels.at[label];
    assert(at < lines->list.len);
    return lines->list.at[at].offset;
}

static int64_t distance(const struct lines *lines, const struct line *line) {
    return (int64_t)lines_offset_of(lines, line->label) - line->offset;
}

static uint8_t branch_size(const struct line *line, int64_t d) {
    if (line->size == 2 && encode_fits(d, 9)) {
        return 2;
    }
    if (encode_fits(d, 13)) {
        return 4;
    }
    return encode_fits(d - 4, 21) ? 8 : 12;
}

static uint8_t jump_size(int64_t d) {
    return encode_fits(d, 12) ? 2 : encode_fits(d, 21) ? 4 : 8;
}

/* How long a branch or jump over the distance d is. */
static uint8_t size_for(const struct line *line, int64_t d) {
    return line->kind == LINE_JUMP ? jump_size(d) : branch_size(line, d);
}

/* One round; true when something grew. */
static bool grow(struct lines *lines) {
    bool grew = false;
    for (uint32_t i = 0; i < lines->branches.len; i++) {
        struct line *line = &lines->list.at[lines->branches.at[i]];
        uint8_t need = size_for(line, distance(lines, line));
        if (need > line->size) {
            line->size = need;
            grew = true;
        }
    }
    return grew;
}

/* Code made to grow one branch a round is given up on: sizes come from the distances when everything
 * is as long as it can be, which no later layout exceeds by more than an alignment. */
#define ROUNDS 16u
#define MARGIN 16

static void settle_by_bounds(struct lines *lines) {
    uint32_t len = lines->branches.len;
    uint8_t *sizes = arena_array_raw(lines->arena, uint8_t, len);
    for (uint32_t i = 0; i < len; i++) {
        struct line *line = &lines->list.at[lines->branches.at[i]];
        sizes[i] = line->size;
        line->size = line->kind == LINE_BRANCH ? 12 : 8;
    }
    place(lines);
    for (uint32_t i = 0; i < len; i++) {
        struct line *line = &lines->list.at[lines->branches.at[i]];
        line->size = sizes[i];
        int64_t d = distance(lines, line);
        uint8_t need = size_for(line, d + (d < 0 ? -MARGIN : MARGIN));
        line->size = need > line->size ? need : line->size;
    }
}

/* ---- writing ------------------------------------------------------------------------------- */

static void write2(uint8_t *to, uint32_t half) {
    to[0] = (uint8_t)half;
    to[1] = (uint8_t)(half >> 8);
}
static void write4(uint8_t *to, uint32_t word) {
    write2(to, word);
    write2(to + 2, word >> 16);
}

static void write_far_jump(uint8_t *to, int64_t d) {
    write4(to, encode_AUIPC(T5, encode_hi(d)));
    write4(to + 4, encode_JALR(ZERO, T5, encode_lo(d)));
}

static void write_jump(uint8_t *to, uint32_t size, int64_t d) {
    if (size == 2) {
        write2(to, encode_c_j(d));
    } else if (size == 4) {
        write4(to, encode_JAL(ZERO, d));
    } else {
        write_far_jump(to, d);
    }
}

static void write_branch(uint8_t *to, const struct line *line, int64_t d) {
    uint32_t cond = line->word & 7, x = line->word >> 8 & 31, y = line->word >> 16 & 31;
    if (line->size == 2) {
        write2(to, encode_c_beqz(cond == COND_NE, x, d));
        return;
    }
    if (line->size == 4) {
        write4(to, encode_format_B(rv_ops[RV_BEQ].match | cond << 12, x, y, d));
        return;
    }
    write4(to, encode_format_B(rv_ops[RV_BEQ].match | (cond ^ 1) << 12, x, y, line->size));
    write_jump(to + 4, line->size - 4u, d - 4);
}

static void write_line(const struct lines *lines, const struct line *line, uint32_t pool,
                       uint8_t *to) {
    int64_t d;
    switch ((enum line_kind)line->kind) {
    case LINE_HALF:
        write2(to, line->word);
        break;
    case LINE_WORD:
    case LINE_WORD4:
        write4(to, line->word);
        break;
    case LINE_BRANCH:
        write_branch(to, line, distance(lines, line));
        break;
    case LINE_JUMP:
        write_jump(to, line->size, distance(lines, line));
        break;
    case LINE_LA:
        d = distance(lines, line);
        write4(to, encode_AUIPC(line->word, encode_hi(d)));
        write4(to + 4, encode_ADDI(line->word, line->word, encode_lo(d)));
        break;
    case LINE_POOL:
        d = (int64_t)pool + 8 * (int64_t)line->label - line->offset;
        write4(to, encode_AUIPC(T5, encode_hi(d)));
        write4(to + 4, line->word | (uint32_t)(encode_lo(d) & 0xfff) << 20);
        break;
    case LINE_CALL:
        write4(to, encode_JAL(RA, 0));
        break;
    case LINE_CALL_FAR:
        write4(to, encode_AUIPC(RA, 0));
        write4(to + 4, encode_JALR(RA, RA, 0));
        break;
    case LINE_ALIGN:
        break;
    case LINE_OFFSET:
        write4(to, lines_offset_of(lines, line->label) - lines_offset_of(lines, line->word));
        break;
    }
}

static void write_padding(const struct line *line, uint8_t *end) {
    if (line->pad == 0) {
        return;
    }
    memset(end - line->pad, 0, line->pad);
    if (line->kind == LINE_CALL) {
        write2(end - 2, encode_compress(encode_ADDI(ZERO, ZERO, 0)));
    }
}

static void write_sites(const struct lines *lines, struct arena *arena, struct code *code) {
    code->sites = arena_array_raw(arena, struct code_site, lines->sites.len);
    code->site_count = lines->sites.len;
    for (uint32_t i = 0; i < lines->sites.len; i++) {
        const struct line_site *site = &lines->sites.at[i];
        /* A return address is the end of the line before; the next line may have padding. */
        const struct line *line = &lines->list.at[site->line];
        uint32_t offset = line->offset - (site->trap == TRAP_NONE ? line->pad : 0u);
        code->sites[i] = (struct code_site){.offset = offset, .pos = site->pos, .trap = site->trap};
    }
}

static void write_relocs(const struct lines *lines, struct arena *arena, struct code *code) {
    code->relocs = arena_array_raw(arena, struct code_reloc, lines->calls.len);
    code->reloc_count = lines->calls.len;
    for (uint32_t i = 0; i < lines->calls.len; i++) {
        const struct line *line = &lines->list.at[lines->calls.at[i]];
        code->relocs[i] = (struct code_reloc){
            .offset = line->offset,
            .callee = line->label,
            .kind = line->kind == LINE_CALL ? CODE_RELOC_NEAR : CODE_RELOC_FAR,
        };
    }
}

void lines_finish(struct lines *lines, struct arena *arena, struct code *code) {
    lines_align(lines, 8); /* also: no label and no site is without a line */
    uint32_t rounds = 0;
    do {
        if (rounds++ == ROUNDS) {
            settle_by_bounds(lines);
        }
        code->size = place(lines);
    } while (grow(lines));
    uint32_t pool = code->size;
    code->size += 8 * lines->pool.len;
    code->bytes = arena_alloc_raw(arena, code->size);
    for (uint32_t i = 0; i < lines->list.len; i++) {
        const struct line *line = &lines->list.at[i];
        write_padding(line, code->bytes + line->offset);
        write_line(lines, line, pool, code->bytes + line->offset);
    }
    for (uint32_t i = 0; i < lines->pool.len; i++) {
        write4(code->bytes + pool + 8 * i, (uint32_t)lines->pool.at[i]);
        write4(code->bytes + pool + 8 * i + 4, (uint32_t)(lines->pool.at[i] >> 32));
    }
    write_sites(lines, arena, code);
    write_relocs(lines, arena, code);
}
