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

/*
 * Reads the next instruction. Only the fields that its immediate names are set. False when the
 * reader is at fault, now or before; the fault says why ("illegal opcode", ...).
 */
bool instr_read(struct reader *r, struct instr *out);

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
