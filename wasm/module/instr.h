/*
 * One instruction of a function body or constant expression, decoded with its immediates.
 *
 * instr_read() is the only decoder of instructions: the validator, the IR builder, the evaluator of
 * constant expressions and the printers all read through it. It checks the encoding (core 3.0, 5.4)
 * and nothing else; indices may be anything. Types in immediates name defined types by the module's
 * type index (HEAP_CONCRETE + index); module_resolve() makes them canonical.
 */
#ifndef WASM_MODULE_INSTR_H
#define WASM_MODULE_INSTR_H

#include "base/fmt.h"
#include "base/reader.h"
#include "wasm/module/feature.h"
#include "wasm/module/types.h"

#include <stdbool.h>
#include <stdint.h>

/* INSTR_I32_ADD and so on; dense, in the order of opcodes.def. */
enum instr_op {
#define INSTR(page, code, name, text, sig, imm, feature, lower, how) INSTR_##name,
#include "wasm/module/opcodes.def"
#undef INSTR
    INSTR_COUNT
};

/*
 * What follows the opcode, and which fields of struct instr it fills.
 */
#define IMM_TABLE(X)                                                                               \
    X(NONE)                                                                                        \
    X(LABEL)         /* index: relative depth; from here to ELEM: one index */                     \
    X(FUNC)          /* index */                                                                   \
    X(TYPE)          /* index */                                                                   \
    X(LOCAL)         /* index */                                                                   \
    X(GLOBAL)        /* index */                                                                   \
    X(TABLE)         /* index */                                                                   \
    X(MEMORY)        /* index */                                                                   \
    X(TAG)           /* index */                                                                   \
    X(DATA)          /* index */                                                                   \
    X(ELEM)          /* index */                                                                   \
    X(BLOCK)         /* block */                                                                   \
    X(BR_TABLE)      /* count labels and a default, count + 1 in all, in `list` */                 \
    X(CALL_INDIRECT) /* index: type, index2: table */                                              \
    X(MEMORY_INIT)   /* index: memory, index2: data segment */                                     \
    X(MEMORY_COPY)   /* index: destination, index2: source */                                      \
    X(TABLE_INIT)    /* index: table, index2: element segment */                                   \
    X(TABLE_COPY)    /* index: destination, index2: source */                                      \
    X(I32)           /* value, sign-extended */                                                    \
    X(I64)           /* value */                                                                   \
    X(F32)           /* value: the 32 bits, zero-extended */                                       \
    X(F64)           /* value: the 64 bits */                                                      \
    X(V128)          /* bytes */                                                                   \
    X(SHUFFLE)       /* bytes: 16 lanes */                                                         \
    X(SELECT_T)      /* count; type: the first of them */                                          \
    X(HEAP) /* type: the reference; nullable for ref.null, ref.test null, ref.cast null */         \
    X(MEM8) /* index: memory, mem; up to MEM128: by natural alignment */                           \
    X(MEM16)                                                                                       \
    X(MEM32)                                                                                       \
    X(MEM64)                                                                                       \
    X(MEM128)                                                                                      \
    X(LANE_MEM8) /* index: memory, mem with lane */                                                \
    X(LANE_MEM16)                                                                                  \
    X(LANE_MEM32)                                                                                  \
    X(LANE_MEM64)                                                                                  \
    X(LANE16) /* mem.lane, below that number */                                                    \
    X(LANE8)                                                                                       \
    X(LANE4)                                                                                       \
    X(LANE2)                                                                                       \
    X(TRY_TABLE) /* block; count catch clauses in `list`, see instr_read_catch() */                \
    X(FIELD)     /* index: type, index2: field */                                                  \
    X(TYPE_LEN)  /* index: type, index2: number of elements */                                     \
    X(TYPE_DATA) /* index: type, index2: data segment */                                           \
    X(TYPE_ELEM) /* index: type, index2: element segment */                                        \
    X(TYPE_TYPE) /* index: destination type, index2: source type */                                \
    X(BR_CAST)   /* index: label, cast */                                                          \
    X(FENCE)     /* a zero byte */

enum imm_kind {
#define X(name) IMM_##name,
    IMM_TABLE(X)
#undef X
        IMM_COUNT
};

/* Signatures; a kind is an enum val_kind, or: */
#define SIG_KIND_NONE    0 /* no result */
#define SIG_KIND_ADDRESS 9 /* i32 or i64 by the memory named in the immediate */

enum instr_sig {
#define SIG(name, count, p0, p1, p2, result) SIG_##name,
#include "wasm/module/signatures.def"
#undef SIG
    SIG_SPECIAL /* not described by a signature */
};

struct instr_shape {
    uint8_t param_count;
    uint8_t params[3];
    uint8_t result;
};

struct instr_info {
    const char *text;
    uint8_t imm;     /* enum imm_kind */
    uint8_t feature; /* enum wasm_feature */
    uint8_t sig;     /* enum instr_sig */
};

extern const struct instr_info instr_infos[INSTR_COUNT];
extern const struct instr_shape instr_shapes[SIG_SPECIAL]; /* by enum instr_sig */

/* The type of a block (core 3.0, 5.4.1). */
struct block_type {
    bool has_index;  /* a function type: index; else: */
    bool has_result; /* one result: result; else none */
    uint32_t index;
    valtype_t result; /* not resolved */
};

struct instr {
    enum instr_op op;
    uint32_t offset; /* of its first byte, in the reader's offsets */
    uint32_t index, index2;
    union {
        int64_t value;
        struct {
            uint64_t offset;
            uint32_t align_log2;
            uint8_t lane;
        } mem;
        struct {
            struct block_type block; /* BLOCK, TRY_TABLE */
            valtype_t type;          /* SELECT_T, HEAP; not resolved */
            uint32_t count;
            struct reader list; /* at the first of count */
        };
        struct {
            valtype_t from, to; /* not resolved */
        } cast;
        uint8_t bytes[16];
    };
};

enum catch_kind { CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF };

struct catch_clause {
    enum catch_kind kind;
    uint32_t tag;   /* CATCH, CATCH_REF */
    uint32_t label; /* relative to the try_table's surroundings */
};

/* Opcodes: one byte, or the prefix byte of a page and a number below INSTR_PAGE_SIZE. */
enum instr_page { PAGE_CORE, PAGE_FB, PAGE_FC, PAGE_FD, PAGE_FE, PAGE_COUNT };
#define INSTR_PAGE_SIZE 0x120

/* Opcode to enum instr_op plus one; 0 where there is no instruction. */
extern const uint16_t instr_ops[PAGE_COUNT][INSTR_PAGE_SIZE];

/* instr_read() of any instruction: of those that are long, rare or malformed. */
const struct instr_info *instr_read_any(struct reader *r, struct instr *out);

/* Bytes of the instructions that instr_read() knows itself: opcode and two immediates of one byte. */
#define INSTR_SHORT_SIZE 3

/*
 * Reads the next instruction and gives its row. Only the fields that its immediate names are set. NULL
 * when the reader is at fault, now or before; the fault says why ("illegal opcode", ...).
 *
 * Inline, for most instructions are so short that a call takes longer than they do.
 */
static inline const struct instr_info *instr_read(struct reader *r, struct instr *out) {
    const uint8_t *at = r->at;
    out->offset = (uint32_t)reader_offset(r);
    size_t op = reader_left(r) >= INSTR_SHORT_SIZE ? instr_ops[PAGE_CORE][at[0]] : 0;
    if (op == 0) {
        return instr_read_any(r, out);
    }
    const struct instr_info *info = &instr_infos[op - 1];
    out->op = (enum instr_op)(op - 1);
    if (info->imm == IMM_NONE) {
        r->at = at + 1;
        return info;
    }
    int8_t first = (int8_t)at[1]; /* of the immediate; negative: more follow */
    if (info->imm <= IMM_ELEM && first >= 0) {
        out->index = (uint32_t)first;
        r->at = at + 2;
        return info;
    }
    if ((info->imm == IMM_I32 || info->imm == IMM_I64) && first >= 0) {
        out->value = (int8_t)(first << 1) >> 1;
        r->at = at + 2;
        return info;
    }
    if (info->imm >= IMM_MEM8 && info->imm <= IMM_MEM128 && at[1] < 0x40 && at[2] < 0x80) {
        out->index = 0;
        out->mem.align_log2 = at[1];
        out->mem.offset = at[2];
        r->at = at + 3;
        return info;
    }
    if (info->imm == IMM_BLOCK && at[1] == 0x40) {
        out->block = (struct block_type){0};
        r->at = at + 2;
        return info;
    }
    return instr_read_any(r, out);
}

/* The next clause of a try_table's list. */
struct catch_clause instr_read_catch(struct reader *list);

/* A value type / a reference type / a field's storage type (core 3.0, 5.3), not resolved. */
valtype_t instr_read_valtype(struct reader *r);
valtype_t instr_read_reftype(struct reader *r);
valtype_t instr_read_storage(struct reader *r);

static inline const struct instr_info *instr_info(const struct instr *i) {
    return &instr_infos[i->op];
}

/* As in the text format, with indices as numbers: "i32.load offset=8 align=4", "br_table 0 1 2". */
void instr_print(struct sink *sink, const struct instr *instr);

#endif
