/*
 * Reading and printing instructions: immediates, faults, and that the table is whole.
 */
#include "base/fmt.h"
#include "test/support/check.h"
#include "wasm/module/instr.h"

/* The instruction in the bytes, printed; or the fault. The whole of the bytes must be used. */
static const char *show(const uint8_t *bytes, size_t size) {
    static char text[256];
    struct text_sink out = fmt_open_text(text, sizeof(text));
    struct reader r;
    struct instr instr;
    reader_init(&r, bytes, size);
    if (!instr_read(&r, &instr)) {
        return r.fault;
    }
    CHECK_EQ(reader_left(&r), 0);
    CHECK_EQ(instr.offset, 0);
    instr_print(&out.sink, &instr);
    return text;
}

#define SHOW(...) show((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

TEST(plain) {
    CHECK_TEXT(SHOW(0x00), "unreachable");
    CHECK_TEXT(SHOW(0x6a), "i32.add");
    CHECK_TEXT(SHOW(0xc4), "i64.extend32_s");
    CHECK_TEXT(SHOW(0xfc, 0x07), "i64.trunc_sat_f64_u");
    CHECK_TEXT(SHOW(0xfd, 0x93, 0x02), "i32x4.relaxed_dot_i8x16_i7x16_add_s");
    CHECK_TEXT(SHOW(0xfd, 0xae, 0x81, 0x80, 0x80, 0x00), "i32x4.add"); /* a long way to say 174 */
}

TEST(indices) {
    CHECK_TEXT(SHOW(0x20, 0xff, 0xff, 0xff, 0xff, 0x0f), "local.get 4294967295");
    CHECK_TEXT(SHOW(0x11, 0x02, 0x01), "call_indirect 1 (type 2)");
    CHECK_TEXT(SHOW(0xfc, 0x08, 0x05, 0x00), "memory.init 0 5");
    CHECK_TEXT(SHOW(0xfc, 0x0c, 0x05, 0x01), "table.init 1 5");
    CHECK_TEXT(SHOW(0xfc, 0x0a, 0x01, 0x02), "memory.copy 1 2");
    CHECK_TEXT(SHOW(0xd0, 0x70), "ref.null funcref");
    CHECK_TEXT(SHOW(0xd0, 0x05), "ref.null (ref null 5)");
}

TEST(constants) {
    CHECK_TEXT(SHOW(0x41, 0x7f), "i32.const -1");
    CHECK_TEXT(SHOW(0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f),
               "i64.const -9223372036854775808");
    CHECK_TEXT(SHOW(0x43, 0x00, 0x00, 0xc0, 0xff), "f32.const bits:0xffc00000");
}

TEST(memory_arguments) {
    CHECK_TEXT(SHOW(0x28, 0x02, 0x08), "i32.load offset=8 align=4");
    CHECK_TEXT(SHOW(0x2d, 0x40, 0x03, 0x00), "i32.load8_u 3 align=1");
    CHECK_TEXT(SHOW(0x28, 0x80, 0x01, 0x00), "malformed memop flags");
    CHECK_TEXT(SHOW(0xfd, 0x54, 0x00, 0x00, 0x0f), "v128.load8_lane align=1 15");
}

TEST(blocks) {
    CHECK_TEXT(SHOW(0x02, 0x40), "block");
    CHECK_TEXT(SHOW(0x03, 0x7e), "loop (result i64)");
    CHECK_TEXT(SHOW(0x04, 0x63, 0x01), "if (result (ref null 1))");
    CHECK_TEXT(SHOW(0x02, 0xc0, 0x00), "block (type 64)");
    CHECK_TEXT(SHOW(0x02, 0x41), "malformed value type");
    CHECK_TEXT(SHOW(0x02, 0xff, 0x7f), "malformed block type");
}

TEST(lists) {
    CHECK_TEXT(SHOW(0x0e, 0x02, 0x00, 0x01, 0x03), "br_table 0 1 3");
    CHECK_TEXT(SHOW(0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00), "too many br_table targets");
    CHECK_TEXT(SHOW(0x0e, 0x05, 0x00, 0x01), "unexpected end");
    CHECK_TEXT(SHOW(0x1c, 0x01, 0x6f), "select externref");
    CHECK_TEXT(SHOW(0x1f, 0x40, 0x02, 0x00, 0x07, 0x01, 0x02, 0x00),
               "try_table (catch 7 1) (catch_all 0)");
}

TEST(faults) {
    CHECK_TEXT(SHOW(0xff), "illegal opcode");
    CHECK_TEXT(SHOW(0x06), "illegal opcode");
    CHECK_TEXT(SHOW(0xfc, 0xff, 0x7f), "illegal opcode");
    CHECK_TEXT(SHOW(0xfc), "unexpected end");
    CHECK_TEXT(SHOW(0x41, 0x80, 0x80, 0x80, 0x80, 0x70), "integer too large");
    CHECK_TEXT(SHOW(0xfe, 0x03, 0x01), "zero byte expected");
}

TEST(every_row_reads_as_itself) {
    static const struct {
        uint8_t prefix;
        uint16_t code;
        enum instr_op op;
    } rows[] = {
#define PREFIX_CORE 0
#define PREFIX_FB   0xfb
#define PREFIX_FC   0xfc
#define PREFIX_FD   0xfd
#define PREFIX_FE   0xfe
#define INSTR(page, code, name, text, sig, imm, feature, lower, how)                               \
    {PREFIX_##page, code, INSTR_##name},
#include "wasm/module/opcodes.def"
#undef INSTR
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        /* Enough zeros for any immediate; ref.null and the like then name type 0. */
        uint8_t bytes[32] = {0};
        size_t at = 0;
        if (rows[i].prefix) {
            bytes[at++] = rows[i].prefix;
            bytes[at++] = (uint8_t)(rows[i].code | 0x80);
            bytes[at] = (uint8_t)(rows[i].code >> 7);
        } else {
            bytes[at] = (uint8_t)rows[i].code;
        }
        struct reader r;
        struct instr instr;
        reader_init(&r, bytes, sizeof(bytes));
        CHECK(instr_read(&r, &instr));
        CHECK_EQ(instr.op, rows[i].op);
        CHECK_EQ((size_t)instr.op, i);
    }
}

/* What instr_read() knows inline is what instr_read_any() reads of the same bytes. */
static void compare_readers(const uint8_t *bytes, size_t size) {
    char texts[2][256];
    struct reader r[2];
    struct instr instr[2];
    const struct instr_info *info[2];
    for (int i = 0; i < 2; i++) {
        reader_init(&r[i], bytes, size);
        info[i] = i == 0 ? instr_read(&r[i], &instr[i]) : instr_read_any(&r[i], &instr[i]);
        struct text_sink out = fmt_open_text(texts[i], sizeof(texts[i]));
        if (info[i]) {
            instr_print(&out.sink, &instr[i]);
        }
    }
    CHECK(info[0] == info[1]);
    CHECK(r[0].at == r[1].at && r[0].fault == r[1].fault && r[0].fault_offset == r[1].fault_offset);
    CHECK_EQ(instr[0].offset, instr[1].offset);
    CHECK_TEXT(texts[0], texts[1]);
}

TEST(short_ones_read_as_any) {
    static const uint8_t seconds[] = {0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xff};
    for (unsigned op = 0; op < 0x100; op++) {
        for (unsigned first = 0; first < 0x100; first++) {
            for (size_t i = 0; i < sizeof(seconds); i++) {
                uint8_t bytes[8] = {(uint8_t)op, (uint8_t)first, seconds[i], 0x01, 0x01};
                compare_readers(bytes, sizeof(bytes));
            }
        }
        for (size_t size = 1; size <= INSTR_SHORT_SIZE; size++) {
            compare_readers((const uint8_t[]){(uint8_t)op, 0x00, 0x00}, size);
        }
    }
}

CHECK_MAIN
