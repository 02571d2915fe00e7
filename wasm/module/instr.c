/*
 * Reading and printing one instruction. See instr.h.
 *
 * The opcode is looked up in one table a page, made from opcodes.def; then one switch over the kind
 * of immediate reads the rest; short instructions are read in instr.h already. Nothing here depends on
 * the module or on which features are enabled.
 */
#include "wasm/module/instr.h"

#include "wasm/limits.h"

#define VAL_NONE    SIG_KIND_NONE
#define VAL_ADDRESS SIG_KIND_ADDRESS
_Static_assert(VAL_I16 < SIG_KIND_ADDRESS, "SIG_KIND_ADDRESS is not a kind of value");

const struct instr_shape instr_shapes[SIG_SPECIAL] = {
#define SIG(name, count, p0, p1, p2, result) {count, {VAL_##p0, VAL_##p1, VAL_##p2}, VAL_##result},
#include "wasm/module/signatures.def"
#undef SIG
};

const struct instr_info instr_infos[INSTR_COUNT] = {
#define INSTR(page, code, name, text, sig, imm, feature, lower, how)                               \
    {text, IMM_##imm, WASM_FEATURE_##feature, SIG_##sig},
#include "wasm/module/opcodes.def"
#undef INSTR
};

const uint16_t instr_ops[PAGE_COUNT][INSTR_PAGE_SIZE] = {
#define INSTR(page, code, name, text, sig, imm, feature, lower, how)                               \
    [PAGE_##page][code] = INSTR_##name + 1,
#include "wasm/module/opcodes.def"
#undef INSTR
};

/* ---- types */

/* The abstract heap type of a one-byte code, or -1. */
static int heap_of_code(int64_t code) {
    switch (code) {
    case 0x70 - 0x80:
        return HEAP_FUNC;
    case 0x6f - 0x80:
        return HEAP_EXTERN;
    case 0x6e - 0x80:
        return HEAP_ANY;
    case 0x6d - 0x80:
        return HEAP_EQ;
    case 0x6c - 0x80:
        return HEAP_I31;
    case 0x6b - 0x80:
        return HEAP_STRUCT;
    case 0x6a - 0x80:
        return HEAP_ARRAY;
    case 0x69 - 0x80:
        return HEAP_EXN;
    case 0x71 - 0x80:
        return HEAP_NONE;
    case 0x72 - 0x80:
        return HEAP_NOEXTERN;
    case 0x73 - 0x80:
        return HEAP_NOFUNC;
    case 0x74 - 0x80:
        return HEAP_NOEXN;
    default:
        return -1;
    }
}

static valtype_t read_heap(struct reader *r, bool is_nullable) {
    int64_t code = reader_leb_s33(r);
    if (code >= 0) {
        /* An index past every limit stays past it: the field for it is narrower than the number. */
        uint32_t index = code < LIMIT_TYPES ? (uint32_t)code : LIMIT_TYPES;
        return VALTYPE_REF(HEAP_CONCRETE + index, is_nullable);
    }
    int heap = heap_of_code(code);
    if (heap < 0) {
        reader_fail(r, "malformed heap type");
        return VAL_BOTTOM;
    }
    return VALTYPE_REF(heap, is_nullable);
}

/* The type that starts with the byte `code`, which has been read. */
static valtype_t read_type_from(struct reader *r, uint8_t code) {
    switch (code) {
    case 0x7f:
        return VALTYPE_I32;
    case 0x7e:
        return VALTYPE_I64;
    case 0x7d:
        return VALTYPE_F32;
    case 0x7c:
        return VALTYPE_F64;
    case 0x7b:
        return VALTYPE_V128;
    case 0x64:
        return read_heap(r, false);
    case 0x63:
        return read_heap(r, true);
    default:
        break;
    }
    int heap = heap_of_code((int64_t)code - 0x80);
    if (heap < 0) {
        reader_fail(r, "malformed value type");
        return VAL_BOTTOM;
    }
    return VALTYPE_REF(heap, true);
}

valtype_t instr_read_valtype(struct reader *r) {
    return read_type_from(r, reader_u8(r));
}

valtype_t instr_read_reftype(struct reader *r) {
    valtype_t type = instr_read_valtype(r);
    if (!valtype_is_ref(type)) {
        reader_fail(r, "malformed reference type");
    }
    return type;
}

valtype_t instr_read_storage(struct reader *r) {
    uint8_t code = reader_u8(r);
    if (code == 0x78) {
        return VAL_I8;
    }
    return code == 0x77 ? VAL_I16 : read_type_from(r, code);
}

/* ---- immediates */

static struct block_type read_block_type(struct reader *r) {
    struct block_type type = {0};
    if (reader_left(r) > 0 && (*r->at & 0xc0) == 0x40) {
        /* One byte whose sign bit is set: nothing, or a value type. */
        uint8_t code = reader_u8(r);
        if (code != 0x40) {
            type.has_result = true;
            type.result = read_type_from(r, code);
        }
        return type;
    }
    int64_t index = reader_leb_s33(r);
    if (index < 0) {
        reader_fail(r, "malformed block type");
    }
    type.has_index = true;
    type.index = (uint32_t)index;
    return type;
}

static void read_memarg(struct reader *r, struct instr *out) {
    uint32_t flags = reader_leb_u32(r);
    if (flags >= 0x80) {
        reader_fail(r, "malformed memop flags");
    }
    out->index = (flags & 0x40) != 0 ? reader_leb_u32(r) : 0;
    out->mem.align_log2 = flags & 0x3f;
    out->mem.offset = reader_leb_u64(r);
}

/* Remembers where a list of labels starts, and skips it. */
static void read_labels(struct reader *r, struct instr *out) {
    out->count = reader_leb_u32(r);
    if (out->count > LIMIT_BR_TABLE) {
        reader_fail(r, "too many br_table targets");
        out->count = 0;
    }
    out->list = *r;
    for (uint32_t i = 0; i <= out->count && reader_ok(r); i++) {
        reader_leb_u32(r);
    }
}

static void read_select_types(struct reader *r, struct instr *out) {
    out->count = reader_leb_u32(r);
    out->type = out->count > 0 ? instr_read_valtype(r) : VAL_BOTTOM;
    for (uint32_t i = 1; i < out->count && reader_ok(r); i++) {
        instr_read_valtype(r);
    }
}

static void read_bytes16(struct reader *r, struct instr *out) {
    for (unsigned i = 0; i < 16; i++) {
        out->bytes[i] = reader_u8(r);
    }
}

struct catch_clause instr_read_catch(struct reader *list) {
    struct catch_clause clause = {0};
    uint8_t kind = reader_u8(list);
    if (kind > CATCH_ALL_REF) {
        reader_fail(list, "malformed catch clause");
        kind = CATCH_ALL;
    }
    clause.kind = (enum catch_kind)kind;
    if (clause.kind == CATCH || clause.kind == CATCH_REF) {
        clause.tag = reader_leb_u32(list);
    }
    clause.label = reader_leb_u32(list);
    return clause;
}

static void read_try_table(struct reader *r, struct instr *out) {
    out->block = read_block_type(r);
    out->count = reader_leb_u32(r);
    out->list = *r;
    for (uint32_t i = 0; i < out->count && reader_ok(r); i++) {
        instr_read_catch(r);
    }
}

static void read_cast_branch(struct reader *r, struct instr *out) {
    uint8_t flags = reader_u8(r);
    if (flags > 3) {
        reader_fail(r, "malformed br_on_cast flags");
    }
    out->index = reader_leb_u32(r);
    out->cast.from = read_heap(r, (flags & 1) != 0);
    out->cast.to = read_heap(r, (flags & 2) != 0);
}

static void read_indices(struct reader *r, struct instr *out, bool is_reversed) {
    uint32_t first = reader_leb_u32(r);
    uint32_t second = reader_leb_u32(r);
    out->index = is_reversed ? second : first;
    out->index2 = is_reversed ? first : second;
}

static void read_immediate(struct reader *r, struct instr *out) {
    switch ((enum imm_kind)instr_infos[out->op].imm) {
    case IMM_NONE:
        break;
    case IMM_LABEL:
    case IMM_FUNC:
    case IMM_TYPE:
    case IMM_LOCAL:
    case IMM_GLOBAL:
    case IMM_TABLE:
    case IMM_MEMORY:
    case IMM_TAG:
    case IMM_DATA:
    case IMM_ELEM:
        out->index = reader_leb_u32(r);
        break;
    case IMM_CALL_INDIRECT:
    case IMM_MEMORY_COPY:
    case IMM_TABLE_COPY:
    case IMM_FIELD:
    case IMM_TYPE_LEN:
    case IMM_TYPE_DATA:
    case IMM_TYPE_ELEM:
    case IMM_TYPE_TYPE:
        read_indices(r, out, false);
        break;
    case IMM_MEMORY_INIT:
    case IMM_TABLE_INIT:
        read_indices(r, out, true);
        break;
    case IMM_MEM8:
    case IMM_MEM16:
    case IMM_MEM32:
    case IMM_MEM64:
    case IMM_MEM128:
        read_memarg(r, out);
        break;
    case IMM_LANE_MEM8:
    case IMM_LANE_MEM16:
    case IMM_LANE_MEM32:
    case IMM_LANE_MEM64:
        read_memarg(r, out);
        out->mem.lane = reader_u8(r);
        break;
    case IMM_LANE16:
    case IMM_LANE8:
    case IMM_LANE4:
    case IMM_LANE2:
        out->mem.lane = reader_u8(r);
        break;
    case IMM_BLOCK:
        out->block = read_block_type(r);
        break;
    case IMM_BR_TABLE:
        read_labels(r, out);
        break;
    case IMM_I32:
        out->value = reader_leb_s32(r);
        break;
    case IMM_I64:
        out->value = reader_leb_s64(r);
        break;
    case IMM_F32:
        out->value = reader_le32(r);
        break;
    case IMM_F64:
        out->value = (int64_t)reader_le64(r);
        break;
    case IMM_V128:
    case IMM_SHUFFLE:
        read_bytes16(r, out);
        break;
    case IMM_SELECT_T:
        read_select_types(r, out);
        break;
    case IMM_HEAP:
        out->type = read_heap(r, out->op == INSTR_REF_NULL || out->op == INSTR_REF_TEST_NULL ||
                                     out->op == INSTR_REF_CAST_NULL);
        break;
    case IMM_TRY_TABLE:
        read_try_table(r, out);
        break;
    case IMM_BR_CAST:
        read_cast_branch(r, out);
        break;
    case IMM_FENCE:
        if (reader_u8(r) != 0) {
            reader_fail(r, "zero byte expected");
        }
        break;
    case IMM_COUNT:
        break;
    }
}

/* Instructions of the other pages, as enum instr_op plus one; 0 if it is none. */
static uint32_t read_paged_op(struct reader *r, uint8_t prefix) {
    if (prefix < 0xfb || prefix > 0xfe) {
        return 0;
    }
    uint32_t code = reader_leb_u32(r);
    return code < INSTR_PAGE_SIZE ? instr_ops[PAGE_FB + (prefix - 0xfb)][code] : 0;
}

const struct instr_info *instr_read_any(struct reader *r, struct instr *out) {
    const uint8_t *at = r->at;
    out->offset = (uint32_t)reader_offset(r);
    uint8_t first = reader_u8(r);
    uint32_t op = instr_ops[PAGE_CORE][first];
    if (op == 0) {
        op = read_paged_op(r, first);
    }
    if (op == 0 || !reader_ok(r)) {
        r->at = at;
        reader_fail(r, "illegal opcode"); /* unless there is a fault already */
        out->op = INSTR_UNREACHABLE;
        return NULL;
    }
    out->op = (enum instr_op)(op - 1);
    read_immediate(r, out);
    return reader_ok(r) ? instr_info(out) : NULL;
}

/* ---- printing */

static void print_type(struct sink *sink, valtype_t type) {
    char name[32];
    fmt_print(sink, "%s", types_name(type, name, sizeof(name)));
}

static void print_block_type(struct sink *sink, const struct block_type *type) {
    if (type->has_index) {
        fmt_print(sink, " (type %u)", type->index);
    } else if (type->has_result) {
        fmt_print(sink, " (result ");
        print_type(sink, type->result);
        fmt_print(sink, ")");
    }
}

static void print_memarg(struct sink *sink, const struct instr *i) {
    if (i->index != 0) {
        fmt_print(sink, " %u", i->index);
    }
    if (i->mem.offset != 0) {
        fmt_print(sink, " offset=%llu", (unsigned long long)i->mem.offset);
    }
    fmt_print(sink, " align=%llu", 1ull << i->mem.align_log2);
}

static void print_bytes16(struct sink *sink, const struct instr *i, const char *format) {
    for (unsigned k = 0; k < 16; k++) {
        fmt_print(sink, format[0] == 'x' ? " 0x%02x" : " %u", i->bytes[k]);
    }
}

static void print_catches(struct sink *sink, const struct instr *i) {
    static const char *const names[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    struct reader list = i->list;
    for (uint32_t k = 0; k < i->count && reader_ok(&list); k++) {
        struct catch_clause clause = instr_read_catch(&list);
        if (clause.kind <= CATCH_REF) {
            fmt_print(sink, " (%s %u %u)", names[clause.kind], clause.tag, clause.label);
        } else {
            fmt_print(sink, " (%s %u)", names[clause.kind], clause.label);
        }
    }
}

static void print_labels(struct sink *sink, const struct instr *i) {
    struct reader list = i->list;
    for (uint32_t k = 0; k <= i->count; k++) {
        fmt_print(sink, " %u", reader_leb_u32(&list));
    }
}

void instr_print(struct sink *sink, const struct instr *i) {
    enum imm_kind imm = (enum imm_kind)instr_infos[i->op].imm;
    fmt_print(sink, "%s", instr_infos[i->op].text);
    switch (imm) {
    case IMM_NONE:
    case IMM_FENCE:
    case IMM_COUNT:
        break;
    case IMM_LABEL:
    case IMM_FUNC:
    case IMM_TYPE:
    case IMM_LOCAL:
    case IMM_GLOBAL:
    case IMM_TABLE:
    case IMM_MEMORY:
    case IMM_TAG:
    case IMM_DATA:
    case IMM_ELEM:
        fmt_print(sink, " %u", i->index);
        break;
    case IMM_CALL_INDIRECT:
        fmt_print(sink, " %u (type %u)", i->index2, i->index);
        break;
    case IMM_MEMORY_COPY:
    case IMM_TABLE_COPY:
    case IMM_FIELD:
    case IMM_TYPE_LEN:
    case IMM_TYPE_DATA:
    case IMM_TYPE_ELEM:
    case IMM_TYPE_TYPE:
    case IMM_MEMORY_INIT:
    case IMM_TABLE_INIT:
        fmt_print(sink, " %u %u", i->index, i->index2);
        break;
    case IMM_MEM8:
    case IMM_MEM16:
    case IMM_MEM32:
    case IMM_MEM64:
    case IMM_MEM128:
        print_memarg(sink, i);
        break;
    case IMM_LANE_MEM8:
    case IMM_LANE_MEM16:
    case IMM_LANE_MEM32:
    case IMM_LANE_MEM64:
        print_memarg(sink, i);
        fmt_print(sink, " %u", i->mem.lane);
        break;
    case IMM_LANE16:
    case IMM_LANE8:
    case IMM_LANE4:
    case IMM_LANE2:
        fmt_print(sink, " %u", i->mem.lane);
        break;
    case IMM_BLOCK:
        print_block_type(sink, &i->block);
        break;
    case IMM_BR_TABLE:
        print_labels(sink, i);
        break;
    case IMM_I32:
    case IMM_I64:
        fmt_print(sink, " %lld", (long long)i->value);
        break;
    case IMM_F32:
    case IMM_F64:
        fmt_print(sink, " bits:0x%llx", (unsigned long long)i->value);
        break;
    case IMM_V128:
        fmt_print(sink, " i8x16");
        print_bytes16(sink, i, "x");
        break;
    case IMM_SHUFFLE:
        print_bytes16(sink, i, "u");
        break;
    case IMM_SELECT_T:
    case IMM_HEAP:
        fmt_print(sink, " ");
        print_type(sink, i->type);
        break;
    case IMM_TRY_TABLE:
        print_block_type(sink, &i->block);
        print_catches(sink, i);
        break;
    case IMM_BR_CAST:
        fmt_print(sink, " %u ", i->index);
        print_type(sink, i->cast.from);
        fmt_print(sink, " ");
        print_type(sink, i->cast.to);
        break;
    }
}
