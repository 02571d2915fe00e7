/*
 * The interpreter of scripts: one function a command, a verdict each.
 */
#include "test/spec/wast.h"

#include "base/reader.h"
#include "test/spec/command.h"
#include "test/spec/spectest.h"
#include "wasm/wasm.h"

#include <stdarg.h>
#include <string.h>

enum {
    MAX_REASONS = 16,
    MAX_VALUES = LIMIT_PARAMS,
    PATH_SIZE = 256,
    STRING_SIZE = 4096, /* longest string with escapes in commands.json */
};

struct reason {
    const char *text;
    uint32_t count;
};

/* What a script calls a module: the instance, or why there is none. */
struct named {
    struct text name; /* size 0: none */
    struct wasm_module *module;
    struct wasm_instance *instance;
    const char *skip; /* the feature that it, or what should have changed it, needs */
};

struct script {
    const struct wast_files *files;
    const char *folder;
    struct sink *out;
    struct arena arena;   /* as long as the script */
    struct arena scratch; /* as long as a command */
    struct wasm_store *store;
    VEC(struct named) modules;
    struct named *current;        /* the latest module; moves with the vector */
    VEC(struct named) registered; /* names under which skipped modules would be imported */
    struct reason reasons[MAX_REASONS];
    uint32_t reason_count;
    struct wast_totals totals;
    const struct command *command;
    struct wasm_error error;
    struct wasm_trap trap;
};

/* ---- verdicts ---------------------------------------------------------------------------------- */

enum verdict { PASS, FAIL, SKIPPED };

__attribute__((format(printf, 2, 3))) static enum verdict fail(struct script *s, const char *format,
                                                               ...) {
    va_list args;
    fmt_print(s->out, "%s:%u: %s", s->folder, s->command->line, s->command->type.at);
    if (s->command->field.at) {
        fmt_print(s->out, " \"%.*s\"", (int)s->command->field.size, s->command->field.at);
    }
    fmt_print(s->out, ": ");
    va_start(args, format);
    fmt_vprint(s->out, format, args);
    va_end(args);
    fmt_print(s->out, "\n");
    return FAIL;
}

static enum verdict skip(struct script *s, const char *why) {
    uint32_t i = 0;
    while (i < s->reason_count && strcmp(s->reasons[i].text, why) != 0) {
        i++;
    }
    if (i == MAX_REASONS) {
        i = MAX_REASONS - 1; /* counted with the last one */
    }
    if (i == s->reason_count) {
        s->reasons[s->reason_count++].text = why;
    }
    s->reasons[i].count++;
    return SKIPPED;
}

static enum verdict fail_status(struct script *s, status_t status) {
    if (status == STATUS_TRAPPED) {
        return fail(s, "trapped: %s", trap_text(s->trap.kind));
    }
    return fail(s, "%s: %s", status_text(status), s->error.text);
}

/* ---- modules ------------------------------------------------------------------------------------ */

static status_t read_file(struct script *s, const char *name, const uint8_t **bytes_out,
                          size_t *size_out) {
    char path[PATH_SIZE];
    fmt_text(path, sizeof(path), "%s/%s", s->folder, name);
    return s->files->read(s->files->ctx, path, &s->arena, bytes_out, size_out);
}

static bool same_text(struct text a, struct text b) {
    return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

/* Whether the import section has this name: its length, then its bytes. For modules that cannot be
 * decoded. */
static bool may_import(const uint8_t *bytes, size_t size, struct text name) {
    struct reader r;
    reader_init(&r, bytes, size);
    (void)reader_bytes(&r, 8);
    while (reader_ok(&r) && reader_left(&r) > 0) {
        uint8_t id = reader_u8(&r);
        struct reader section = reader_sub(&r, reader_leb_u32(&r));
        for (size_t i = 0; id == 2 && name.size < 0x80 && i + name.size < reader_left(&section);
             i++) {
            if (section.at[i] == name.size && memcmp(section.at + i + 1, name.at, name.size) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* A module that is skipped would have changed what it imports: tests of that are skipped too. */
static void taint(struct script *s, const uint8_t *bytes, size_t size) {
    for (uint32_t i = 0; i < s->registered.len; i++) {
        const struct named *r = &s->registered.at[i];
        for (uint32_t k = 0; k < s->modules.len && may_import(bytes, size, r->name); k++) {
            struct named *m = &s->modules.at[k];
            if (m->instance == r->instance && !m->skip) {
                m->skip = s->error.feature;
            }
        }
    }
}

static status_t load(struct script *s, struct wasm_module **module_out) {
    const uint8_t *bytes;
    size_t size;
    s->error = (struct wasm_error){0};
    TRY(read_file(s, s->command->filename.at, &bytes, &size));
    status_t status = wasm_module_load(s->store, bytes, size, module_out, &s->error);
    if (status == STATUS_UNSUPPORTED &&
        (s->command->kind == COMMAND_MODULE || s->command->kind == COMMAND_ASSERT_UNINSTANTIABLE)) {
        taint(s, bytes, size);
    }
    return status;
}

/* The module that a script means by a name; no name: the latest. */
static struct named *find_module(struct script *s, struct text name) {
    if (!name.at) {
        return s->current;
    }
    for (uint32_t i = s->modules.len; i > 0; i--) {
        struct named *m = &s->modules.at[i - 1];
        if (m->name.at && same_text(m->name, name)) {
            return m;
        }
    }
    return NULL;
}

static struct text keep_text(struct script *s, struct text text) {
    if (text.at) {
        text.at = arena_strndup(&s->arena, text.at, text.size);
    }
    return text;
}

static void add_module(struct script *s, struct named named, bool is_current) {
    named.name = keep_text(s, named.name);
    uint32_t current = s->current ? (uint32_t)(s->current - s->modules.at) : UINT32_MAX;
    vec_push(&s->arena, &s->modules, named);
    current = is_current ? s->modules.len - 1 : current;
    s->current = current == UINT32_MAX ? NULL : &s->modules.at[current];
}

/* Why a module that does not link may be excused: it imports from a module that was skipped. */
static const char *skipped_import(const struct script *s, const struct module *module) {
    for (uint32_t i = 0; i < module->import_count; i++) {
        struct text from = {module->imports[i].module.at, module->imports[i].module.size};
        for (uint32_t k = s->registered.len; k > 0; k--) {
            if (same_text(s->registered.at[k - 1].name, from)) {
                if (s->registered.at[k - 1].skip) {
                    return s->registered.at[k - 1].skip;
                }
                break;
            }
        }
    }
    return NULL;
}

static status_t instantiate(struct script *s, struct wasm_module *module,
                            struct wasm_instance **instance_out, const char **skip_out) {
    status_t status = wasm_instantiate(s->store, module, instance_out, &s->error, &s->trap);
    if (status == STATUS_UNLINKABLE) {
        *skip_out = skipped_import(s, wasm_module_decoded(module));
    }
    return status;
}

static enum verdict do_module(struct script *s) {
    struct named named = {.name = s->command->name};
    status_t status = load(s, &named.module);
    if (status == STATUS_UNSUPPORTED) {
        named.skip = s->error.feature;
    } else if (status == STATUS_OK && s->command->kind == COMMAND_MODULE) {
        status = instantiate(s, named.module, &named.instance, &named.skip);
    }
    add_module(s, named, s->command->kind == COMMAND_MODULE);
    if (named.skip) {
        return skip(s, named.skip);
    }
    return status == STATUS_OK ? PASS : fail_status(s, status);
}

static enum verdict do_module_instance(struct script *s) {
    struct named *definition = find_module(s, s->command->module);
    struct named named = {.name = s->command->instance};
    if (!definition) {
        return fail(s, "no such module");
    }
    named.skip = definition->skip;
    named.module = definition->module;
    status_t status = STATUS_INVALID;
    if (!named.skip && named.module) {
        status = instantiate(s, named.module, &named.instance, &named.skip);
    }
    add_module(s, named, true);
    if (named.skip) {
        return skip(s, named.skip);
    }
    return status == STATUS_OK ? PASS : fail_status(s, status);
}

static enum verdict do_register(struct script *s) {
    const struct named *m = find_module(s, s->command->name);
    if (!m) {
        return fail(s, "no such module");
    }
    struct named entry = *m;
    entry.name = keep_text(s, s->command->as);
    vec_push(&s->arena, &s->registered, entry);
    if (m->skip) {
        return skip(s, m->skip);
    }
    if (!m->instance) {
        return fail(s, "the module was not instantiated");
    }
    status_t status = wasm_define_instance(s->store, entry.name.at, m->instance);
    return status == STATUS_OK ? PASS : fail_status(s, status);
}

/* ---- values ------------------------------------------------------------------------------------- */

static bool is_nan(const struct wasm_value *v, bool must_be_canonical) {
    if (valtype_kind(v->type) == VAL_F32) {
        return must_be_canonical ? (v->f32 & 0x7fffffff) == 0x7fc00000
                                 : (v->f32 & 0x7fc00000) == 0x7fc00000;
    }
    const uint64_t quiet = 0x7ff8000000000000;
    return must_be_canonical ? (v->f64 & 0x7fffffffffffffff) == quiet : (v->f64 & quiet) == quiet;
}

static bool is_bits(const struct wasm_value *v, const struct spec_value *spec) {
    bool is_half = spec->type == VAL_I32 || spec->type == VAL_F32;
    return is_half ? v->i32 == (uint32_t)spec->bits : v->i64 == spec->bits;
}

static bool accepts(const struct spec_value *spec, const struct wasm_value *v) {
    if (spec->kind == SPEC_EITHER) {
        for (uint32_t i = 0; i < spec->either_count; i++) {
            if (spec->either[i].kind != SPEC_EITHER && accepts(&spec->either[i], v)) {
                return true;
            }
        }
        return false;
    }
    if (valtype_kind(v->type) != spec->type) {
        return false;
    }
    switch (spec->kind) {
    case SPEC_BITS:
        return is_bits(v, spec);
    case SPEC_NAN_CANONICAL:
        return is_nan(v, true);
    case SPEC_NAN_ARITHMETIC:
        return is_nan(v, false);
    case SPEC_REF_NULL:
        return v->ref == 0;
    case SPEC_REF_ANY:
        return v->ref != 0;
    case SPEC_REF_HOST:
        return v->ref == spectest_ref(spec->bits);
    default:
        return false;
    }
}

/* False: a kind of value that cannot be passed. */
static bool make_arg(const struct spec_value *spec, valtype_t type, struct wasm_value *out) {
    *out = (struct wasm_value){.type = type};
    if (valtype_kind(type) != spec->type) {
        return false;
    }
    switch (spec->kind) {
    case SPEC_BITS:
        if (spec->type == VAL_I32 || spec->type == VAL_F32) {
            out->i32 = (uint32_t)spec->bits;
        } else {
            out->i64 = spec->bits;
        }
        return true;
    case SPEC_REF_NULL:
        return true;
    case SPEC_REF_HOST:
        out->ref = spectest_ref(spec->bits);
        return true;
    default:
        return false;
    }
}

/* ---- actions -------------------------------------------------------------------------------------- */

struct outcome {
    const char *skip;  /* the action could not be done for lack of this feature */
    const char *fault; /* it could not be done at all */
    status_t status;
    struct wasm_value *results;
    uint32_t result_count;
};

static void call(struct script *s, const struct wasm_extern *func, struct outcome *o) {
    const struct type_def *type = wasm_func_type(func);
    const struct command *c = s->command;
    struct wasm_value *args = arena_array(&s->scratch, struct wasm_value, type->param_count);
    o->results = arena_array(&s->scratch, struct wasm_value, type->result_count);
    o->result_count = type->result_count;
    if (!args || !o->results || type->param_count != c->args.len) {
        o->fault = "wrong number of arguments";
        return;
    }
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!make_arg(&c->args.at[i], type->params[i], &args[i])) {
            o->fault = "an argument of the wrong type";
            return;
        }
    }
    o->status = wasm_call(s->store, func, args, o->results, &s->trap);
}

static struct outcome act(struct script *s) {
    const struct command *c = s->command;
    const struct named *m = find_module(s, c->action_module);
    struct outcome o = {0};
    struct wasm_extern object;
    if (!m || (!m->skip && !m->instance)) {
        o.fault = "there is no such instance";
        return o;
    }
    o.skip = m->skip;
    if (m->skip) {
        return o;
    }
    if (wasm_export(m->instance, c->field.at, c->field.size, &object) != STATUS_OK ||
        object.kind != (c->is_get ? EXTERN_GLOBAL : EXTERN_FUNC)) {
        o.fault = "there is no such export";
    } else if (c->is_get) {
        o.results = arena_new(&s->scratch, struct wasm_value);
        o.result_count = 1;
        o.status = o.results ? wasm_global_get(s->store, &object, o.results) : STATUS_NO_MEMORY;
    } else {
        call(s, &object, &o);
    }
    return o;
}

static enum verdict do_action(struct script *s) {
    struct outcome o = act(s);
    if (o.skip) {
        return skip(s, o.skip);
    }
    if (o.fault) {
        return fail(s, "%s", o.fault);
    }
    return o.status == STATUS_OK ? PASS : fail_status(s, o.status);
}

static enum verdict check_result(struct script *s, const struct spec_value *spec,
                                 const struct wasm_value *v, uint32_t i) {
    if (accepts(spec, v)) {
        return PASS;
    }
    static const char *const kinds[] = {"",      "a canonical NaN", "an arithmetic NaN",
                                        "null",  "a reference",     "host reference",
                                        "other", "a vector"};
    char type[32];
    types_name(v->type, type, sizeof(type));
    return fail(s, "result %u is %s 0x%llx, expected %s 0x%llx", i, type,
                (unsigned long long)v->i64, kinds[spec->kind], (unsigned long long)spec->bits);
}

static enum verdict do_assert_return(struct script *s) {
    struct outcome o = act(s);
    if (o.skip) {
        return skip(s, o.skip);
    }
    if (o.fault) {
        return fail(s, "%s", o.fault);
    }
    if (o.status != STATUS_OK) {
        return fail_status(s, o.status);
    }
    if (o.result_count != s->command->expected.len) {
        return fail(s, "%u results, expected %u", o.result_count, s->command->expected.len);
    }
    for (uint32_t i = 0; i < o.result_count; i++) {
        if (check_result(s, &s->command->expected.at[i], &o.results[i], i) != PASS) {
            return FAIL;
        }
    }
    return PASS;
}

/* The suite's text may go on ("uninitialized element 2"). */
static enum verdict check_trap(struct script *s, status_t status) {
    if (status != STATUS_TRAPPED) {
        return status == STATUS_OK ? fail(s, "no trap, expected: %s", s->command->expected_text.at)
                                   : fail_status(s, status);
    }
    const char *text = trap_text(s->trap.kind);
    if (strncmp(s->command->expected_text.at, text, strlen(text)) != 0) {
        return fail(s, "trapped: %s, expected: %s", text, s->command->expected_text.at);
    }
    return PASS;
}

static enum verdict do_assert_trap(struct script *s) {
    struct outcome o = act(s);
    if (o.skip) {
        return skip(s, o.skip);
    }
    if (o.fault || !s->command->expected_text.at) {
        return fail(s, "%s", o.fault ? o.fault : "no text");
    }
    return check_trap(s, o.status);
}

/* ---- modules that must not be ------------------------------------------------------------------- */

static bool is_text_format(const struct command *c) {
    return c->module_type.at && strcmp(c->module_type.at, "text") == 0;
}

static enum verdict do_assert_refused(struct script *s) {
    struct wasm_module *module;
    if (is_text_format(s->command)) {
        return skip(s, "text format");
    }
    status_t status = load(s, &module);
    switch (status) {
    case STATUS_BAD_FORMAT:
    case STATUS_INVALID:
        return PASS;
    case STATUS_UNSUPPORTED:
        return skip(s, s->error.feature);
    case STATUS_OK:
        return fail(s, "was accepted, expected: %s", s->command->expected_text.at);
    default:
        return fail_status(s, status);
    }
}

static enum verdict do_assert_not_instantiated(struct script *s) {
    struct wasm_module *module;
    struct wasm_instance *instance;
    const char *why = NULL;
    status_t status = load(s, &module);
    if (status == STATUS_UNSUPPORTED) {
        return skip(s, s->error.feature);
    }
    if (status != STATUS_OK) {
        return fail_status(s, status);
    }
    status = instantiate(s, module, &instance, &why);
    if (why) {
        return skip(s, why);
    }
    if (s->command->kind == COMMAND_ASSERT_UNINSTANTIABLE) {
        return check_trap(s, status);
    }
    return status == STATUS_UNLINKABLE ? PASS
           : status == STATUS_OK       ? fail(s, "was linked")
                                       : fail_status(s, status);
}

/* ---- scripts -------------------------------------------------------------------------------------- */

static enum verdict run_command(struct script *s) {
    switch (s->command->kind) {
    case COMMAND_MODULE:
    case COMMAND_MODULE_DEFINITION:
        return do_module(s);
    case COMMAND_MODULE_INSTANCE:
        return do_module_instance(s);
    case COMMAND_REGISTER:
        return do_register(s);
    case COMMAND_ACTION:
        return do_action(s);
    case COMMAND_ASSERT_RETURN:
        return do_assert_return(s);
    case COMMAND_ASSERT_TRAP:
    case COMMAND_ASSERT_EXHAUSTION:
        return do_assert_trap(s);
    case COMMAND_ASSERT_INVALID:
    case COMMAND_ASSERT_MALFORMED:
        return do_assert_refused(s);
    case COMMAND_ASSERT_UNLINKABLE:
    case COMMAND_ASSERT_UNINSTANTIABLE:
        return do_assert_not_instantiated(s);
    case COMMAND_ASSERT_EXCEPTION:
        return skip(s, "exceptions");
    case COMMAND_THREAD:
    case COMMAND_WAIT:
        return skip(s, "threads");
    case COMMAND_KIND_COUNT:
        break;
    }
    return fail(s, "unknown command");
}

static void count(struct script *s, enum verdict verdict) {
    s->totals.passed += verdict == PASS;
    s->totals.failed += verdict == FAIL;
    s->totals.skipped += verdict == SKIPPED;
}

/* The object's "commands" array; other keys are of no interest. */
static status_t run_commands(struct script *s, struct json *json) {
    if (json_next(json).kind != JSON_ARRAY) {
        return STATUS_BAD_FORMAT;
    }
    for (struct json_token t = json_next(json); t.kind != JSON_ARRAY_END; t = json_next(json)) {
        struct command command;
        if (t.kind != JSON_OBJECT) {
            return STATUS_BAD_FORMAT;
        }
        struct arena_mark mark = arena_mark(&s->scratch);
        TRY(command_read(json, &s->scratch, &command));
        s->command = &command;
        count(s, run_command(s));
        arena_reset(&s->scratch, mark);
    }
    return STATUS_OK;
}

static status_t run_script(struct script *s) {
    static char strings[STRING_SIZE];
    const uint8_t *bytes;
    size_t size;
    struct json json;
    TRY(read_file(s, "commands.json", &bytes, &size));
    TRY(spectest_define(s->store));
    json_init(&json, bytes, size, strings, sizeof(strings));
    if (json_next(&json).kind != JSON_OBJECT) {
        return STATUS_BAD_FORMAT;
    }
    for (struct json_token key = json_next(&json); key.kind == JSON_KEY; key = json_next(&json)) {
        if (json_is(key, "commands")) {
            TRY(run_commands(s, &json));
        } else {
            json_skip_value(&json);
        }
    }
    return json_next(&json).kind == JSON_END ? STATUS_OK : STATUS_BAD_FORMAT;
}

static void print_line(const struct script *s) {
    fmt_print(s->out, "%s: %u passed, %u failed, %u skipped", s->folder, s->totals.passed,
              s->totals.failed, s->totals.skipped);
    for (uint32_t i = 0; i < s->reason_count; i++) {
        fmt_print(s->out, "%s%s: %u", i == 0 ? " (" : ", ", s->reasons[i].text,
                  s->reasons[i].count);
    }
    fmt_print(s->out, "%s\n", s->reason_count ? ")" : "");
}

void wast_run(const struct wast_files *files, const char *folder, struct sink *out,
              struct wast_totals *totals) {
    static struct script s; /* with room for a trap: too much for a stack */
    struct wasm_config config = {.verify = true};
    s = (struct script){.files = files, .folder = folder, .out = out};
    arena_init(&s.arena, plat_arena_source());
    arena_init(&s.scratch, plat_arena_source());
    status_t status = wasm_store_new(&config, &s.store);
    if (status == STATUS_OK) {
        status = run_script(&s);
        wasm_store_free(s.store);
    }
    if (status != STATUS_OK) {
        fmt_print(out, "%s: %s\n", folder, status_text(status));
        s.totals.failed++;
    }
    print_line(&s);
    arena_fini(&s.scratch);
    arena_fini(&s.arena);
    totals->passed += s.totals.passed;
    totals->failed += s.totals.failed;
    totals->skipped += s.totals.skipped;
}

void wast_print_totals(const struct wast_totals *totals, struct sink *out) {
    fmt_print(out, "%u passed, %u failed, %u skipped\n", totals->passed, totals->failed,
              totals->skipped);
}
