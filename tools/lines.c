/*
 * lines: the line table of a payload (abi/lines.h), from the DWARF of its ELF.
 *
 *     lines FILE.elf TABLE
 *
 * Reads the line programs of .debug_line (DWARF 5, chapter 6.2; versions 2 to 4 too) for what lies in
 * .text. Of several rows for one address the last one counts, and rows that say the same as the one
 * before are left out. The same ELF gives the same bytes.
 */
#include "abi/lines.h"
#include "base/elf.h"
#include "base/reader.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DWARF's numbers, as far as they are met. */
enum {
    LNS_COPY = 1,
    LNS_ADVANCE_PC,
    LNS_ADVANCE_LINE,
    LNS_SET_FILE,
    LNS_SET_COLUMN,
    LNS_NEGATE_STMT,
    LNS_SET_BASIC_BLOCK,
    LNS_CONST_ADD_PC,
    LNS_FIXED_ADVANCE_PC,
    LNE_END_SEQUENCE = 1,
    LNE_SET_ADDRESS = 2,
    LNCT_PATH = 1,
    LNCT_DIRECTORY = 2,
    FORM_DATA2 = 0x05,
    FORM_DATA4 = 0x06,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_DATA1 = 0x0b,
    FORM_STRP = 0x0e,
    FORM_UDATA = 0x0f,
    FORM_DATA16 = 0x1e,
    FORM_LINE_STRP = 0x1f,
    MAX_FORMATS = 16,
    MAX_NAME = 512,
};

static _Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("lines: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static void *must(void *memory) {
    if (memory == NULL) {
        fail("out of memory");
    }
    return memory;
}

/* --- the ELF ---------------------------------------------------------------------------------- */

struct section {
    const uint8_t *bytes;
    uint64_t size, addr;
};

struct input {
    uint8_t *bytes;
    size_t size;
    struct section text, line, line_str, str;
};

static struct section section_of(const struct input *in, const struct elf64_shdr *sh) {
    if (sh->type != ELF_SHT_NOBITS && (sh->offset > in->size || sh->size > in->size - sh->offset)) {
        fail("a section lies outside of the file");
    }
    return (struct section){in->bytes + sh->offset, sh->size, sh->addr};
}

static void find_sections(struct input *in) {
    struct elf64_ehdr eh;
    if (in->size < sizeof(eh)) {
        fail("not an ELF");
    }
    memcpy(&eh, in->bytes, sizeof(eh));
    if (memcmp(eh.ident, "\177ELF\2\1", 6) != 0 || eh.shentsize != sizeof(struct elf64_shdr) ||
        eh.shoff > in->size || (in->size - eh.shoff) / sizeof(struct elf64_shdr) < eh.shnum ||
        eh.shstrndx >= eh.shnum) {
        fail("not a 64-bit ELF with sections");
    }
    struct elf64_shdr *headers = must(malloc(eh.shnum * sizeof(*headers)));
    memcpy(headers, in->bytes + eh.shoff, eh.shnum * sizeof(*headers));
    struct section names = section_of(in, &headers[eh.shstrndx]);
    const struct {
        const char *name;
        struct section *section;
    } wanted[] = {{".text", &in->text},
                  {".debug_line", &in->line},
                  {".debug_line_str", &in->line_str},
                  {".debug_str", &in->str}};
    for (unsigned i = 0; i < eh.shnum; i++) {
        const char *name = (const char *)names.bytes + headers[i].name;
        if (headers[i].name >= names.size || !memchr(name, 0, names.size - headers[i].name)) {
            fail("a section's name lies outside of the names");
        }
        for (unsigned w = 0; w < sizeof(wanted) / sizeof(wanted[0]); w++) {
            if (!strcmp(name, wanted[w].name)) {
                *wanted[w].section = section_of(in, &headers[i]);
            }
        }
    }
    free(headers);
}

static struct input read_input(const char *path) {
    struct input in = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fail("%s: cannot read", path);
    }
    in.size = (size_t)ftell(file);
    in.bytes = must(malloc(in.size + 1));
    rewind(file);
    if (fread(in.bytes, 1, in.size, file) != in.size) {
        fail("%s: cannot read", path);
    }
    fclose(file);
    find_sections(&in);
    return in;
}

/* --- rows ------------------------------------------------------------------------------------- */

struct row {
    uint64_t address;
    uint32_t file, line; /* file 0: the end of a sequence */
    uint32_t order;
};

struct table {
    struct row *rows;
    size_t len, cap;
    char **files; /* [0] is no file */
    uint32_t files_len, files_cap;
};

static uint32_t intern(struct table *t, const char *name) {
    for (uint32_t i = 1; i < t->files_len; i++) {
        if (!strcmp(t->files[i], name)) {
            return i;
        }
    }
    if (t->files_len == t->files_cap) {
        t->files_cap = t->files_cap ? 2 * t->files_cap : 64;
        t->files = must(realloc(t->files, t->files_cap * sizeof(char *)));
    }
    if (t->files_len == 0) {
        t->files[t->files_len++] = must(strdup(""));
    }
    t->files[t->files_len] = must(strdup(name));
    return t->files_len++;
}

static void add_row(struct table *t, uint64_t address, uint32_t file, uint32_t line) {
    if (t->len == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 4096;
        t->rows = must(realloc(t->rows, t->cap * sizeof(struct row)));
    }
    t->rows[t->len] =
        (struct row){.address = address, .file = file, .line = line, .order = (uint32_t)t->len};
    t->len++;
}

/* An end gives way to a beginning at the same address; of beginnings the last one counts. */
static int compare(const void *left, const void *right) {
    const struct row *a = left, *b = right;
    if (a->address != b->address) {
        return a->address < b->address ? -1 : 1;
    }
    if ((a->file == 0) != (b->file == 0)) {
        return a->file == 0 ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static void sort_rows(struct table *t) {
    size_t len = 0;
    qsort(t->rows, t->len, sizeof(struct row), compare);
    for (size_t i = 0; i < t->len; i++) {
        const struct row *row = &t->rows[i];
        if (i + 1 < t->len && t->rows[i + 1].address == row->address) {
            continue;
        }
        if (len > 0 && t->rows[len - 1].file == row->file && t->rows[len - 1].line == row->line) {
            continue;
        }
        t->rows[len++] = *row;
    }
    t->len = len;
}

/* --- a line program's head -------------------------------------------------------------------- */

struct unit {
    const struct input *in;
    struct table *table;
    unsigned version, offset_size;
    uint8_t min_length, line_range, opcode_base;
    int8_t line_base;
    uint8_t lengths[256];
    const char **dirs;
    uint32_t *files; /* indices in the table, as the program counts them */
    uint32_t dirs_len, files_len;
};

static uint64_t read_offset(struct reader *r, const struct unit *u) {
    return u->offset_size == 8 ? reader_le64(r) : reader_le32(r);
}

static const char *read_text(struct reader *r) {
    const uint8_t *end = memchr(r->at, 0, reader_left(r));
    return end ? (const char *)reader_bytes(r, (size_t)(end - r->at) + 1)
               : (reader_fail(r, "a text without an end"), "");
}

static const char *text_at(const struct section *section, uint64_t offset) {
    if (offset >= section->size || !memchr(section->bytes + offset, 0, section->size - offset)) {
        fail("a text lies outside of its section");
    }
    return (const char *)section->bytes + offset;
}

/* A field of an entry: a number, or a text in *text_out. */
static uint64_t read_form(struct reader *r, const struct unit *u, uint64_t form,
                          const char **text_out) {
    switch (form) {
    case FORM_STRING:
        *text_out = read_text(r);
        return 0;
    case FORM_LINE_STRP:
        *text_out = text_at(&u->in->line_str, read_offset(r, u));
        return 0;
    case FORM_STRP:
        *text_out = text_at(&u->in->str, read_offset(r, u));
        return 0;
    case FORM_UDATA:
        return reader_leb_u64(r);
    case FORM_DATA1:
        return reader_u8(r);
    case FORM_DATA2:
        return reader_le16(r);
    case FORM_DATA4:
        return reader_le32(r);
    case FORM_DATA8:
        return reader_le64(r);
    case FORM_DATA16:
        (void)reader_bytes(r, 16);
        return 0;
    default:
        fail("form 0x%llx in a line program's head", (unsigned long long)form);
    }
}

static void add_dir(struct unit *u, const char *name) {
    u->dirs = must(realloc(u->dirs, (u->dirs_len + 1) * sizeof(char *)));
    u->dirs[u->dirs_len++] = name;
}

/* A path is as the compiler was given it: relative to the tree, whose own place does not show. */
static void add_file(struct unit *u, const char *name, uint64_t dir) {
    char path[MAX_NAME];
    const char *folder = dir > 0 && dir < u->dirs_len ? u->dirs[dir] : "";
    folder = !strncmp(folder, "./", 2) ? folder + 2 : folder;
    bool bare = name[0] == '/' || !*folder || !strcmp(folder, ".");
    snprintf(path, sizeof(path), "%s%s%s", bare ? "" : folder, bare ? "" : "/", name);
    u->files = must(realloc(u->files, (u->files_len + 1) * sizeof(uint32_t)));
    u->files[u->files_len++] = intern(u->table, path);
}

/* Directories or files, version 5: formats, then entries. */
static void read_entries(struct reader *r, struct unit *u, bool is_files) {
    uint64_t formats[MAX_FORMATS][2];
    uint8_t formats_len = reader_u8(r);
    if (formats_len > MAX_FORMATS) {
        fail("%u fields in a line program's entry", formats_len);
    }
    for (unsigned i = 0; i < formats_len; i++) {
        formats[i][0] = reader_leb_u64(r);
        formats[i][1] = reader_leb_u64(r);
    }
    uint64_t len = reader_leb_u64(r);
    for (uint64_t n = 0; n < len && reader_ok(r); n++) {
        const char *path = "", *ignored;
        uint64_t dir = 0;
        for (unsigned i = 0; i < formats_len; i++) {
            bool is_path = formats[i][0] == LNCT_PATH;
            uint64_t value = read_form(r, u, formats[i][1], is_path ? &path : &ignored);
            dir = formats[i][0] == LNCT_DIRECTORY ? value : dir;
        }
        if (is_files) {
            add_file(u, path, dir);
        } else {
            add_dir(u, path);
        }
    }
}

/* The same in versions 2 to 4, which count both from 1. */
static void read_old_entries(struct reader *r, struct unit *u) {
    add_dir(u, "");
    while (reader_left(r) > 0 && *r->at != 0) {
        add_dir(u, read_text(r));
    }
    (void)reader_u8(r);
    add_file(u, "?", 0);
    while (reader_left(r) > 0 && *r->at != 0) {
        const char *name = read_text(r);
        add_file(u, name, reader_leb_u64(r));
        (void)reader_leb_u64(r);
        (void)reader_leb_u64(r);
    }
    (void)reader_u8(r);
}

static void read_head(struct reader *r, struct unit *u) {
    u->version = reader_le16(r);
    if (u->version < 2 || u->version > 5) {
        fail("a line program of version %u", u->version);
    }
    if (u->version == 5) {
        (void)reader_le16(r); /* sizes of an address and of a segment selector */
    }
    struct reader head = reader_sub(r, read_offset(r, u));
    u->min_length = reader_u8(&head);
    if (u->version >= 4) {
        (void)reader_u8(&head); /* operations an instruction */
    }
    (void)reader_u8(&head); /* whether a row begins as a statement */
    u->line_base = (int8_t)reader_u8(&head);
    u->line_range = reader_u8(&head);
    u->opcode_base = reader_u8(&head);
    for (unsigned i = 1; i < u->opcode_base; i++) {
        u->lengths[i] = reader_u8(&head);
    }
    if (u->line_range == 0 || u->opcode_base <= LNS_FIXED_ADVANCE_PC) {
        fail("a line program with a bad head");
    }
    if (u->version == 5) {
        read_entries(&head, u, false);
        read_entries(&head, u, true);
    } else {
        read_old_entries(&head, u);
    }
    if (!reader_ok(&head)) {
        fail("a line program's head: %s", head.fault);
    }
}

/* --- a line program --------------------------------------------------------------------------- */

struct state {
    uint64_t address, file;
    int64_t line;
};

static void emit(const struct unit *u, const struct state *s, bool is_end) {
    const struct section *text = &u->in->text;
    /* Code that the linker left out stands at 0, or before .text in any case. */
    if (s->address < text->addr || s->address > text->addr + text->size) {
        return;
    }
    if (is_end) {
        add_row(u->table, s->address, 0, 0);
    } else if (s->line > 0 && s->file < u->files_len) {
        add_row(u->table, s->address, u->files[s->file], (uint32_t)s->line);
    }
}

static void run_extended(struct reader *r, const struct unit *u, struct state *s) {
    struct reader op = reader_sub(r, reader_leb_u64(r));
    switch (reader_u8(&op)) {
    case LNE_END_SEQUENCE:
        emit(u, s, true);
        *s = (struct state){.file = 1, .line = 1};
        break;
    case LNE_SET_ADDRESS:
        s->address = reader_le64(&op);
        break;
    default:
        break; /* names, discriminators */
    }
}

static void run_standard(struct reader *r, const struct unit *u, struct state *s, uint8_t op) {
    switch (op) {
    case LNS_COPY:
        emit(u, s, false);
        break;
    case LNS_ADVANCE_PC:
        s->address += reader_leb_u64(r) * u->min_length;
        break;
    case LNS_ADVANCE_LINE:
        s->line += reader_leb_s64(r);
        break;
    case LNS_SET_FILE:
        s->file = reader_leb_u64(r);
        break;
    case LNS_CONST_ADD_PC:
        s->address += (uint64_t)((255 - u->opcode_base) / u->line_range) * u->min_length;
        break;
    case LNS_FIXED_ADVANCE_PC:
        s->address += reader_le16(r);
        break;
    default:
        for (unsigned i = 0; i < u->lengths[op]; i++) {
            (void)reader_leb_u64(r);
        }
    }
}

static void run_program(struct reader *r, const struct unit *u) {
    struct state s = {.file = 1, .line = 1};
    while (reader_left(r) > 0) {
        uint8_t op = reader_u8(r);
        if (op >= u->opcode_base) {
            unsigned n = (unsigned)op - u->opcode_base;
            s.address += (uint64_t)(n / u->line_range) * u->min_length;
            s.line += u->line_base + (int)(n % u->line_range);
            emit(u, &s, false);
        } else if (op == 0) {
            run_extended(r, u, &s);
        } else {
            run_standard(r, u, &s, op);
        }
    }
    if (!reader_ok(r)) {
        fail("a line program: %s", r->fault);
    }
}

static void read_units(const struct input *in, struct table *table) {
    struct reader all;
    reader_init(&all, in->line.bytes, in->line.size);
    while (reader_left(&all) > 0) {
        struct unit u = {.in = in, .table = table, .offset_size = 4};
        uint64_t size = reader_le32(&all);
        if (size == UINT32_MAX) {
            u.offset_size = 8;
            size = reader_le64(&all);
        }
        struct reader r = reader_sub(&all, size);
        if (!reader_ok(&all)) {
            fail(".debug_line: %s", all.fault);
        }
        read_head(&r, &u);
        run_program(&r, &u);
        free(u.dirs);
        free(u.files);
    }
}

/* --- the table -------------------------------------------------------------------------------- */

struct bytes {
    uint8_t *at;
    size_t len, cap;
};

static void put_byte(struct bytes *b, unsigned byte) {
    if (b->len == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 65536;
        b->at = must(realloc(b->at, b->cap));
    }
    b->at[b->len++] = (uint8_t)byte;
}

static void put_leb(struct bytes *b, uint64_t value) {
    for (; value > 0x7f; value >>= 7) {
        put_byte(b, (unsigned)(value & 0x7f) | 0x80u);
    }
    put_byte(b, (unsigned)value);
}

static void put_sleb(struct bytes *b, int64_t value) {
    for (; value < -0x40 || value > 0x3f; value >>= 7) {
        put_byte(b, (unsigned)(value & 0x7f) | 0x80u);
    }
    put_byte(b, (unsigned)(value & 0x7f));
}

static void put_row(struct bytes *b, const struct row *before, const struct row *row) {
    uint64_t units = (row->address - before->address) / 2;
    int64_t lines = (int64_t)row->line - before->line;
    if (row->file != before->file) {
        put_byte(b, LINES_FILE);
        put_leb(b, row->file);
    }
    if (units >= 1 && units <= LINES_UNITS && lines >= LINES_BASE &&
        lines < LINES_BASE + LINES_RANGE) {
        put_byte(
            b, (unsigned)(LINES_SHORT + (lines - LINES_BASE) + (int64_t)(units - 1) * LINES_RANGE));
    } else {
        put_byte(b, LINES_LONG);
        put_leb(b, units);
        put_sleb(b, lines);
    }
}

static void write_table(const struct table *t, const char *path) {
    struct bytes rows = {0}, text = {0};
    uint32_t block_count = (uint32_t)((t->len + LINES_BLOCK_ROWS - 1) / LINES_BLOCK_ROWS);
    struct lines_block *blocks = must(calloc(block_count + 1, sizeof(*blocks)));
    uint32_t *names = must(calloc(t->files_len + 1, sizeof(*names)));
    for (size_t i = 0; i < t->len; i++) {
        const struct row *row = &t->rows[i];
        if (i % LINES_BLOCK_ROWS == 0) {
            blocks[i / LINES_BLOCK_ROWS] = (struct lines_block){(uint32_t)row->address, row->line,
                                                                row->file, (uint32_t)rows.len};
        } else {
            put_row(&rows, row - 1, row);
        }
    }
    for (uint32_t i = 0; i < t->files_len; i++) {
        names[i] = (uint32_t)text.len;
        for (const char *c = t->files[i]; *c; c++) {
            put_byte(&text, (unsigned char)*c);
        }
        put_byte(&text, 0);
    }
    struct lines_header header = {LINES_MAGIC,        block_count,        t->files_len,
                                  (uint32_t)rows.len, (uint32_t)text.len, 0};
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(&header, sizeof(header), 1, file) != 1 ||
        fwrite(blocks, sizeof(*blocks), block_count, file) != block_count ||
        fwrite(names, sizeof(*names), t->files_len, file) != t->files_len ||
        fwrite(rows.at, 1, rows.len, file) != rows.len ||
        fwrite(text.at, 1, text.len, file) != text.len || fclose(file) != 0) {
        fail("%s: cannot write", path);
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: lines FILE.elf TABLE\n", stderr);
        return 2;
    }
    struct input in = read_input(argv[1]);
    struct table table = {0};
    read_units(&in, &table);
    sort_rows(&table);
    write_table(&table, argv[2]);
    return 0;
}
