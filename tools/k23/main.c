/*
 * k23: the host command. It packs a program into an initrd, boots a machine with it and stands in
 * for the program on this side: same standard streams, same exit status.
 */
#include "abi/boot.h"
#include "abi/run.h"
#include "tools/k23/boot.h"
#include "tools/k23/cpio.h"
#include "tools/k23/dirs.h"
#include "tools/k23/terminal.h"
#include "tools/k23/vm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage_text[] =
    "usage: k23 COMMAND [OPTIONS] ...\n"
    "\n"
    "  k23 run [OPTIONS] FILE.wasm [ARGS...]   run a WebAssembly program (or FILE.wat) on k23\n"
    "  k23 shell [OPTIONS] [FILE.wasm...]      a shell on k23, with the examples and these "
    "programs\n"
    "  k23 wast [OPTIONS] DIR...               run converted folders of the official test suite\n"
    "  k23 boot [OPTIONS] IMAGE [ARGS...]      boot any signed payload\n"
    "  k23 help, or any command with --help or -h    this text\n"
    "  k23 version                             the version\n"
    "\n"
    "Options of run, shell, wast and boot:\n"
    "  --smp N        harts of the machine (default 1)\n"
    "  --mem SIZE     its memory, with K, M or G (default 256M, 16M at least)\n"
    "  --cpu CPU      its processor, in QEMU's words (default rv64)\n"
    "  --icount       run exactly and repeatably: one instruction, one nanosecond\n"
    "Options of run, shell and wast:\n"
    "  -v             show the machine's log, and how the time was spent, on standard error\n"
    "  --log FILTER   what is in the log: LEVEL or MODULE=LEVEL, with commas between; a level is "
    "one "
    "of\n"
    "                 off, error, warn, info and debug (default info, with -v debug)\n"
    "Options of run and shell:\n"
    "  --dir HOST[::GUEST][:rw|:ro]\n"
    "                 let the program read the host's directory HOST, under the name GUEST: a copy "
    "of\n"
    "                 it, or with :rw and :ro itself, writable or not; may be repeated\n"
    "  --mem-max SIZE no more than this for its linear memories, with K, M or G\n"
    "  --timeout S    end it after so many seconds, such as 10 or 0.5\n"
    "  --env K=V      set an environment variable of the program; may be repeated\n"
    "Options of run:\n"
    "  --argv0 NAME   the program's own name, instead of FILE.wasm\n"
    "  --invoke NAME  call this exported function with ARGS and print its results\n"
    "  --preload NAME=FILE\n"
    "                 instantiate the module FILE before the program, which may import what FILE\n"
    "                 exports as NAME; may be repeated\n"
    "  --eager        compile all functions before the start, not each at its first call\n"
    "Options of shell:\n"
    "  --serial       its terminal is the machine's serial line; ^] ends the machine in any case\n"
    "\n"
    "The program's standard streams and exit status are those of the command. Other statuses: 2\n"
    "wrong usage, 124 kernel panic, 125 failure of k23 itself, 126 module refused, 134 trap. The\n"
    "machine's log is kept in $K23_LOG (default: ~/.cache/k23/last.log).\n";

static _Noreturn void fail(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static _Noreturn void fail(int status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("k23: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(status);
}

#define MEMORY_LEAST    (16ull << 20)
#define TIMEOUT_MOST    1e9 /* seconds */
#define FILTER_SIZE_MAX 1024u

/* ---- options ------------------------------------------------------------------------------- */

struct options {
    const char *smp, *mem, *cpu, *log, *invoke, *argv0, *mem_max;
    double timeout; /* seconds; 0: none */
    bool verbose, exact, eager;
    bool serial, terminal; /* of the shell */
    const char **dirs;     /* HOST[::GUEST][:rw|:ro] each */
    int dir_count;
    struct dirs live;      /* those that the machine gets devices for */
    const char **preloads; /* NAME=FILE each */
    int preload_count;
    const char **env;
    int env_count;
    int rest; /* index of the first argument that is no option */
};

/* The word's option, and what stands behind its "=", or NULL. */
static const char *option_name(const char *word, const char **attached_out) {
    static char name[32];
    size_t len = strcspn(word, "=");
    *attached_out = NULL;
    if (strncmp(word, "--", 2) != 0 || word[len] == '\0' || len <= 2 || len >= sizeof(name)) {
        return word;
    }
    *attached_out = word + len + 1;
    snprintf(name, sizeof(name), "%.*s", (int)len, word);
    return name;
}

/* What is attached to the option, which is taken, or the next word. */
static const char *option_value(char **argv, int *i, const char **attached) {
    if (*attached) {
        const char *value = *attached;
        *attached = NULL;
        return value;
    }
    if (!argv[*i + 1]) {
        fail(RUN_EXIT_USAGE, "option %s needs a value (see k23 help)", argv[*i]);
    }
    return argv[++*i];
}

/* A number with an optional K, M or G; QEMU would take more, and complain less well. */
static unsigned long check_number(const char *option, const char *text, const char *suffixes) {
    char *end;
    errno = 0;
    unsigned long n = strtoul(text, &end, 10);
    bool suffixed = *end && strchr(suffixes, *end) && !end[1];
    if (errno || end == text || n == 0 || *text == '-' || (*end && !suffixed)) {
        fail(RUN_EXIT_USAGE, "%s %s: it must be a whole number%s", option, text,
             *suffixes ? ", with K, M or G if need be" : " from 1 on");
    }
    return n;
}

/* Of what check_number() took, in bytes. */
static unsigned long long bytes_of(const char *option, const char *size) {
    char *end;
    unsigned long long n = strtoull(size, &end, 10);
    unsigned shift = *end == 'G' ? 30 : *end == 'M' ? 20 : *end == 'K' ? 10 : 0;
    if (n > ULLONG_MAX >> 31) {
        fail(RUN_EXIT_USAGE, "%s %s is too large", option, size);
    }
    return n << shift;
}

/* Firmware, loader and what the loader unpacks must have a place. */
static void check_memory(const char *text) {
    check_number("--mem", text, "KMG");
    bool is_mib = text[strspn(text, "0123456789")] == '\0'; /* as QEMU takes it */
    if (bytes_of("--mem", text) << (is_mib ? 20 : 0) < MEMORY_LEAST) {
        fail(RUN_EXIT_USAGE, "--mem %s: the machine needs %lluM at least", text,
             MEMORY_LEAST >> 20);
    }
}

static double check_seconds(const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || text[strspn(text, "0123456789.")] || !(seconds > 0)) {
        fail(RUN_EXIT_USAGE, "--timeout %s: it must be a number of seconds, such as 10 or 0.5",
             text);
    }
    return seconds < TIMEOUT_MOST ? seconds : TIMEOUT_MOST;
}

/* As kernel/log.h has it: LEVEL or MODULE=LEVEL, with commas between. */
static void check_filter(const char *text) {
    static const char *const levels[] = {"off", "error", "warn", "info", "debug"};
    const char *part = text;
    for (bool more = true; more; part += strcspn(part, ",") + 1) {
        size_t len = strcspn(part, ","), name = strcspn(part, "=,");
        const char *level = name < len ? part + name + 1 : part;
        size_t level_len = (size_t)(part + len - level);
        bool good = strcspn(part, " ") >= len && (name == len || name > 0), known = false;
        for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
            known = known ||
                    (strlen(levels[i]) == level_len && strncmp(level, levels[i], level_len) == 0);
        }
        if (!good || !known) {
            fail(RUN_EXIT_USAGE,
                 "--log %s: \"%.*s\" is not LEVEL or MODULE=LEVEL, with off, error, warn, info or "
                 "debug",
                 text, (int)len, part);
        }
        more = part[len] == ',';
    }
    if (strlen(text) > FILTER_SIZE_MAX) {
        fail(RUN_EXIT_USAGE, "--log: the filter is longer than %u bytes", FILTER_SIZE_MAX);
    }
}

static void check_harts(const char *text) {
    if (check_number("--smp", text, "") > BOOT_MAX_HARTS) {
        fail(RUN_EXIT_USAGE, "--smp %s: %u at most", text, BOOT_MAX_HARTS);
    }
}

static void add_env(struct options *o, const char *text) {
    if (!strchr(text, '=') || *text == '=') {
        fail(RUN_EXIT_USAGE, "--env %s is not of the form NAME=VALUE", text);
    }
    o->env[o->env_count++] = text;
}

static bool asks_for_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

enum { FOR_RUN = 1, FOR_SHELL = 2, FOR_WAST = 4, FOR_BOOT = 8 };

/* An option that others have is no option of this command. */
static void check_command(const char *option, unsigned command) {
    static const struct {
        const char *option;
        unsigned commands;
    } limited[] = {
        {"-v", FOR_RUN | FOR_SHELL | FOR_WAST},
        {"--log", FOR_RUN | FOR_SHELL | FOR_WAST},
        {"--dir", FOR_RUN | FOR_SHELL},
        {"--env", FOR_RUN | FOR_SHELL},
        {"--mem-max", FOR_RUN | FOR_SHELL},
        {"--timeout", FOR_RUN | FOR_SHELL},
        {"--argv0", FOR_RUN},
        {"--invoke", FOR_RUN},
        {"--preload", FOR_RUN},
        {"--eager", FOR_RUN},
        {"--serial", FOR_SHELL},
    };
    for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
        if (strcmp(option, limited[i].option) == 0 && !(limited[i].commands & command)) {
            fail(RUN_EXIT_USAGE, "%s is no option of this command (see k23 help)", option);
        }
    }
}

/* Reads options of the command up to the first other word. */
static struct options read_options(char **argv, int i, unsigned command) {
    struct options o = {.smp = "1", .mem = "256M", .cpu = "rv64"};
    int argc = i;
    while (argv[argc]) {
        argc++;
    }
    o.env = calloc((size_t)argc, sizeof(*o.env));
    o.dirs = calloc((size_t)argc, sizeof(*o.dirs));
    o.preloads = calloc((size_t)argc, sizeof(*o.preloads));
    for (; argv[i] && argv[i][0] == '-'; i++) {
        const char *attached, *name = option_name(argv[i], &attached);
        check_command(name, command);
        if (strcmp(name, "--") == 0) {
            i++;
            break;
        } else if (asks_for_help(name)) {
            fputs(usage_text, stdout);
            exit(0);
        } else if (strcmp(name, "--smp") == 0) {
            o.smp = option_value(argv, &i, &attached);
            check_harts(o.smp);
        } else if (strcmp(name, "--mem") == 0) {
            o.mem = option_value(argv, &i, &attached);
            check_memory(o.mem);
        } else if (strcmp(name, "--cpu") == 0) {
            o.cpu = option_value(argv, &i, &attached);
        } else if (strcmp(name, "--icount") == 0) {
            o.exact = true;
        } else if (strcmp(name, "-v") == 0) {
            o.verbose = true;
        } else if (strcmp(name, "--log") == 0) {
            o.log = option_value(argv, &i, &attached);
            check_filter(o.log);
        } else if (strcmp(name, "--env") == 0) {
            add_env(&o, option_value(argv, &i, &attached));
        } else if (strcmp(name, "--argv0") == 0) {
            o.argv0 = option_value(argv, &i, &attached);
        } else if (strcmp(name, "--mem-max") == 0) {
            o.mem_max = option_value(argv, &i, &attached);
            check_number(name, o.mem_max, "KMG");
        } else if (strcmp(name, "--timeout") == 0) {
            o.timeout = check_seconds(option_value(argv, &i, &attached));
        } else if (strcmp(name, "--dir") == 0) {
            o.dirs[o.dir_count++] = option_value(argv, &i, &attached);
        } else if (strcmp(name, "--preload") == 0) {
            o.preloads[o.preload_count++] = option_value(argv, &i, &attached);
        } else if (strcmp(name, "--invoke") == 0) {
            o.invoke = option_value(argv, &i, &attached);
        } else if (strcmp(name, "--serial") == 0) {
            o.serial = true;
        } else if (strcmp(name, "--eager") == 0) {
            o.eager = true;
        } else {
            fail(RUN_EXIT_USAGE, "unknown option %s (see k23 help)", name);
        }
        if (attached) {
            fail(RUN_EXIT_USAGE, "option %s takes no value", name);
        }
    }
    o.rest = i;
    return o;
}

/* ---- the machine --------------------------------------------------------------------------- */

/* A file beside this program: NAME in the folder above the one it is in. */
static const char *built_file(const char *name) {
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
    if (n < 0) {
        fail(RUN_EXIT_ERROR, "cannot find its own place: %s", strerror(errno));
    }
    path[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
    }
    strcat(path, "/");
    strcat(path, name);
    return path;
}

static void make_folder_of(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    for (char *at = strchr(folder + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(folder, 0700);
        *at = '/';
    }
}

static const char *log_path(void) {
    static char path[PATH_MAX];
    const char *given = getenv("K23_LOG"), *home = getenv("HOME");
    if (given) {
        return given;
    }
    snprintf(path, sizeof(path), "%s/.cache/k23/last.log", home ? home : "/tmp");
    make_folder_of(path);
    return path;
}

/* The first line of the log that contains `what`, from there on; without one, `fallback`, if there is
 * one. */
static void show_log_line(const char *path, const char *what, const char *fallback) {
    char line[1024], found[1024] = "";
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof(line), log)) {
        const char *at = strstr(line, what);
        if (at && !found[0]) {
            snprintf(found, sizeof(found), "%s", at);
        }
    }
    if (log) {
        fclose(log);
    }
    found[strcspn(found, "\r\n")] = '\0';
    if (!found[0] && !fallback) {
        return;
    }
    fprintf(stderr, "k23: %s (log: %s)\n", found[0] ? found : fallback, path);
}

/* QEMU would run anything as a kernel, and wait for ever for it to end. */
static void check_loader(const char *path) {
    unsigned char head[20] = {0};
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(head, 1, sizeof(head), file) : 0;
    if (!file) {
        fail(RUN_EXIT_ERROR, "%s: %s", path, strerror(errno));
    }
    fclose(file);
    /* ELF, 64 bits, little-endian, EM_RISCV */
    if (n < sizeof(head) || memcmp(head, "\177ELF\2\1", 6) != 0 || head[18] != 243 ||
        head[19] != 0) {
        fail(RUN_EXIT_ERROR, "%s is no loader", path);
    }
}

/* The boot arguments. */
static const char *log_argument(const struct options *o) {
    static char text[FILTER_SIZE_MAX + sizeof("log=")];
    const char *usual = o->verbose ? "debug" : o->serial ? "warn" : "info";
    snprintf(text, sizeof(text), "log=%s", o->log ? o->log : usual);
    return text;
}

static _Noreturn void run_machine(const struct options *o, const char *loader, int initrd_fd) {
    const char *given = getenv("K23_LOADER");
    struct vm_config config = {
        .loader = given ? given : built_file(loader),
        .cpu = o->cpu,
        .memory = o->mem,
        .harts = o->smp,
        .bootargs = log_argument(o),
        .initrd_fd = initrd_fd,
        .log_path = log_path(),
        .log_to_stderr = o->verbose,
        .exact = o->exact,
        .dirs = &o->live,
        .terminal = o->terminal,
        .serial = o->serial,
        .timeout = o->timeout,
    };
    int status = 0;
    check_loader(config.loader);
    switch (vm_run(&config, &status)) {
    case VM_INTERRUPTED:
        if (status == SIGALRM) {
            fail(128 + status, "ended after %g seconds (--timeout)", o->timeout);
        }
        exit(128 + status);
    case VM_FAILED:
        exit(RUN_EXIT_ERROR);
    case VM_ENDED:
        break;
    }
    if (status == BOOT_EXIT_PANIC) {
        show_log_line(config.log_path, "panic", "exit status 124");
    } else if (status == BOOT_EXIT_REFUSED) {
        /* If it is not the loader's, the kernel has said why on the program's standard error. */
        show_log_line(config.log_path, "loader: refused", NULL);
    }
    exit(status);
}

/* ---- k23 run ------------------------------------------------------------------------------- */

struct records {
    char *bytes;
    size_t size;
};

static void add_record(struct records *r, const char *key, const char *value) {
    size_t size = strlen(key) + 1 + strlen(value) + 1;
    if (r->size + size > RUN_MAX_SIZE) {
        fail(RUN_EXIT_USAGE, "arguments and environment are larger than %u bytes", RUN_MAX_SIZE);
    }
    r->bytes = realloc(r->bytes, r->size + size);
    sprintf(r->bytes + r->size, "%s=%s", key, value);
    r->size += size;
}

/* A size with its suffix, as a plain number. */
static void add_bytes(struct records *r, const char *key, const char *size) {
    char text[32];
    snprintf(text, sizeof(text), "%llu", bytes_of("--mem-max", size));
    add_record(r, key, text);
}

/* Files that the program makes in live directories get the permissions that its user's files get. */
static void add_umask(struct records *r) {
    char text[16];
    mode_t mask = umask(0);
    umask(mask);
    snprintf(text, sizeof(text), "%o", (unsigned)mask);
    add_record(r, "umask", text);
}

static bool is_text(const char *file) {
    size_t len = strlen(file);
    return len > 4 && strcmp(file + len - 4, ".wat") == 0;
}

/* A module in text form goes through wabt's assembler, which says itself what is wrong with it. */
static void add_assembled(struct cpio *cpio, const char *name, const char *file) {
    char binary[] = "/tmp/k23-XXXXXX.wasm";
    int fd = mkstemps(binary, 5), status = 0;
    pid_t child = fd < 0 ? -1 : fork();
    if (child == 0) {
        execlp("wat2wasm", "wat2wasm", "--debug-names", "--enable-all", file, "-o", binary, NULL);
        fprintf(stderr, "k23: wat2wasm: %s\n", strerror(errno));
        _exit(127);
    }
    bool good = child > 0 && waitpid(child, &status, 0) == child && status == 0 &&
                cpio_add_file(cpio, name, binary) == 0;
    unlink(binary);
    if (!good) {
        fail(RUN_EXIT_REFUSED, "%s: cannot be assembled", file);
    }
    close(fd);
}

static bool has_env(const struct options *o, const char *name) {
    size_t len = strlen(name);
    for (int i = 0; i < o->env_count; i++) {
        if (strncmp(o->env[i], name, len) == 0 && o->env[i][len] == '=') {
            return true;
        }
    }
    return false;
}

/* WASI has no way to ask for a terminal's size, so programs are told as POSIX lets them be told. */
static void add_window(struct records *r, const struct options *o) {
    struct terminal_size size = terminal_size();
    const struct {
        const char *name;
        unsigned n;
    } sides[] = {{"COLUMNS", size.columns}, {"LINES", size.rows}};
    for (int i = 0; i < 2; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s=%u", sides[i].name, sides[i].n);
        if (sides[i].n > 0 && !has_env(o, sides[i].name)) {
            add_record(r, "env", text);
        }
    }
}

/* What a program and the shell are told alike. */
static void add_common(struct records *r, const struct options *o) {
    char tty[4] = "";
    for (int i = 0; i < o->env_count; i++) {
        add_record(r, "env", o->env[i]);
    }
    if (o->mem_max) {
        add_bytes(r, "mem-max", o->mem_max);
    }
    for (int fd = 0; fd < 3; fd++) {
        tty[fd] = isatty(fd) ? '1' : '0';
    }
    add_record(r, "tty", tty);
    add_window(r, o);
    add_umask(r);
}

static void open_archive(struct cpio *cpio) {
    if (cpio_open(cpio) != 0) {
        fail(RUN_EXIT_ERROR, "cannot make the initrd: %s", strerror(errno));
    }
}

static void add_dirs(struct options *o, struct cpio *cpio, struct records *r) {
    if (o->dir_count > (int)RUN_MAX_DIRS - 1) {
        fail(RUN_EXIT_USAGE, "more than %u directories", RUN_MAX_DIRS - 1);
    }
    for (int i = 0; i < o->dir_count; i++) {
        char record[PATH_MAX + 64];
        const char *why;
        if (!dirs_add(&o->live, cpio, o->dirs[i], i, record, &why)) {
            fail(RUN_EXIT_USAGE, "--dir %s: %s", o->dirs[i], why);
        }
        add_record(r, "dir", record);
    }
}

/* With the records as its last file, if there are any. */
static void close_archive(struct cpio *cpio, const struct records *r) {
    if ((r && cpio_add(cpio, RUN_FILE, r->bytes, r->size) != 0) || cpio_finish(cpio) != 0) {
        fail(RUN_EXIT_ERROR, "cannot make the initrd: %s", strerror(errno));
    }
}

/* The module in `file`, binary or text, becomes `name` of the initrd. */
static void add_module(struct cpio *cpio, const char *name, const char *file) {
    if (is_text(file)) {
        add_assembled(cpio, name, file);
    } else if (cpio_add_file(cpio, name, file) != 0) {
        fail(RUN_EXIT_USAGE, "%s: %s", file, strerror(errno));
    }
}

/* Modules are "preload/0" and so on there. */
static void add_preloads(const struct options *o, struct records *r, struct cpio *cpio) {
    if (o->preload_count > (int)RUN_MAX_PRELOADS) {
        fail(RUN_EXIT_USAGE, "more than %u modules to preload", RUN_MAX_PRELOADS);
    }
    for (int i = 0; i < o->preload_count; i++) {
        const char *text = o->preloads[i], *file = strchr(text, '=');
        char inside[32], record[PATH_MAX];
        if (!file || file == text || file[1] == '\0') {
            fail(RUN_EXIT_USAGE, "--preload %s is not of the form NAME=FILE", text);
        }
        snprintf(inside, sizeof(inside), "preload/%d", i);
        if (snprintf(record, sizeof(record), "%.*s:%s", (int)(file - text), text, inside) >=
            (int)sizeof(record)) {
            fail(RUN_EXIT_USAGE, "--preload %.64s...: the name is too long", text);
        }
        add_record(r, "preload", record);
        add_module(cpio, inside, file + 1);
    }
}

static int run(char **argv) {
    struct options o = read_options(argv, 2, FOR_RUN);
    const char *file = argv[o.rest];
    if (!file) {
        fail(RUN_EXIT_USAGE, "run needs a FILE.wasm (see k23 help)");
    }
    struct records r = {0};
    add_record(&r, "module", "program");
    for (int i = o.rest; argv[i]; i++) {
        if (i - o.rest >= (int)RUN_MAX_ARGS) {
            fail(RUN_EXIT_USAGE, "more than %u arguments", RUN_MAX_ARGS);
        }
        add_record(&r, "arg", i == o.rest && o.argv0 ? o.argv0 : argv[i]);
    }
    if (o.invoke) {
        add_record(&r, "invoke", o.invoke);
    }
    add_common(&r, &o);
    add_record(&r, "counted", o.exact ? "1" : "0");
    add_record(&r, "eager", o.eager ? "1" : "0");

    struct cpio cpio;
    open_archive(&cpio);
    add_dirs(&o, &cpio, &r);
    add_preloads(&o, &r, &cpio);
    add_module(&cpio, "program", file);
    close_archive(&cpio, &r);
    run_machine(&o, "k23", cpio.fd);
}

/* ---- folders ------------------------------------------------------------------------------- */

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_module(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcmp(dot, ".wasm") == 0;
}

/* ---- k23 shell ----------------------------------------------------------------------------- */

#define SHELL_FOLDER "bin" /* of the initrd: what the shell finds in /bin */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

struct program_name {
    char text[NAME_MAX + sizeof(".wasm")];
};

/* What the program in a file is called there: "sort.wasm", also if the file is sort.wat. */
static struct program_name program_name(const char *path) {
    struct program_name name;
    const char *base = base_name(path);
    int len = (int)strlen(base);
    snprintf(name.text, sizeof(name.text), "%.*s%s", is_text(base) ? len - 4 : len, base,
             is_text(base) ? ".wasm" : "");
    return name;
}

static void add_program(struct cpio *cpio, const char *path) {
    char name[sizeof(SHELL_FOLDER) + sizeof(struct program_name)];
    snprintf(name, sizeof(name), SHELL_FOLDER "/%s", program_name(path).text);
    add_module(cpio, name, path);
}

/* Whether one of the files is the program of that name. */
static bool has_program(char **paths, const char *name) {
    for (; *paths; paths++) {
        if (strcmp(program_name(*paths).text, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Those beside this program that no file of the user's hides. */
static void add_examples(struct cpio *cpio, char **files) {
    char path[PATH_MAX + NAME_MAX + 2];
    const char *folder = built_file("examples");
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, compare_names);
    for (int i = 0; i < count; i++) {
        if (is_module(entries[i]->d_name) && !has_program(files, entries[i]->d_name)) {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            add_program(cpio, path);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
}

static int shell(char **argv) {
    struct options o = read_options(argv, 2, FOR_SHELL);
    char columns[16];
    struct records r = {0};
    add_record(&r, "shell", "1");
    add_record(&r, "serial", o.serial ? "1" : "0");
    snprintf(columns, sizeof(columns), "%u", terminal_size().columns);
    add_record(&r, "columns", columns);
    add_record(&r, "dir", "initrd:" SHELL_FOLDER ":/bin");
    add_common(&r, &o);

    struct cpio cpio;
    open_archive(&cpio);
    add_examples(&cpio, argv + o.rest);
    for (int i = o.rest; argv[i]; i++) {
        if (has_program(argv + i + 1, program_name(argv[i]).text)) {
            fail(RUN_EXIT_USAGE, "%s: there is another of that name", argv[i]);
        }
        add_program(&cpio, argv[i]);
    }
    add_dirs(&o, &cpio, &r);
    close_archive(&cpio, &r);
    o.terminal = true;
    run_machine(&o, "k23", cpio.fd);
}

/* ---- k23 wast ------------------------------------------------------------------------------ */

/* Adds the converted folder at `path` as `name`, or the folders inside it; returns how many. */
static unsigned add_suite(struct cpio *cpio, const char *path, const char *name, int depth) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, compare_names);
    if (count < 0) {
        fail(RUN_EXIT_USAGE, "%s: %s", path, strerror(errno));
    }
    char child[PATH_MAX], child_name[PATH_MAX];
    snprintf(child, sizeof(child), "%s/commands.json", path);
    bool converted = access(child, R_OK) == 0;
    unsigned added = converted ? 1 : 0;
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name;
        struct stat st;
        int n = snprintf(child, sizeof(child), "%s/%s", path, entry);
        int m = snprintf(child_name, sizeof(child_name), "%s/%s", name, entry);
        if (entry[0] == '.' || n >= PATH_MAX || m >= PATH_MAX || stat(child, &st) != 0) {
            continue;
        }
        bool wanted =
            S_ISREG(st.st_mode) && (strcmp(entry, "commands.json") == 0 || is_module(entry));
        if (converted && wanted && cpio_add_file(cpio, child_name, child) != 0) {
            fail(RUN_EXIT_ERROR, "%s: %s", child, strerror(errno));
        }
        if (S_ISDIR(st.st_mode) && depth > 0) {
            added += add_suite(cpio, child, child_name, depth - 1);
        }
    }
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return added;
}

static int wast(char **argv) {
    struct options o = read_options(argv, 2, FOR_WAST);
    if (!argv[o.rest]) {
        fail(RUN_EXIT_USAGE, "wast needs a DIR (see k23 help)");
    }
    struct cpio cpio;
    open_archive(&cpio);
    for (int i = o.rest; argv[i]; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s", argv[i]);
        for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) {
            path[n - 1] = '\0';
        }
        const char *slash = strrchr(path, '/');
        if (add_suite(&cpio, path, slash ? slash + 1 : path, 4) == 0) {
            fail(RUN_EXIT_USAGE, "%s: no commands.json in it", argv[i]);
        }
    }
    close_archive(&cpio, NULL);
    run_machine(&o, "wast", cpio.fd);
}

/* ---- k23 boot ------------------------------------------------------------------------------ */

/* The words after the image are the payload's boot arguments. */
static int boot(char **argv) {
    struct options o = read_options(argv, 2, FOR_BOOT);
    if (!argv[o.rest]) {
        fail(RUN_EXIT_USAGE, "boot needs an IMAGE (see k23 help)");
    }
    static char bootargs[4096];
    size_t size = 0;
    for (int i = o.rest + 1; argv[i]; i++) {
        size += (size_t)snprintf(bootargs + size, sizeof(bootargs) - size, "%s%s",
                                 size == 0 ? "" : " ", argv[i]);
        if (size >= sizeof(bootargs)) {
            fail(RUN_EXIT_USAGE, "the arguments are longer than %zu bytes", sizeof(bootargs) - 1);
        }
    }
    const char *given = getenv("K23_LOADER");
    const struct boot_config config = {
        .loader = given ? given : built_file("loader"),
        .image = argv[o.rest],
        .cpu = o.cpu,
        .memory = o.mem,
        .harts = o.smp,
        .bootargs = size > 0 ? bootargs : NULL,
        .exact = o.exact,
    };
    return boot_run(&config);
}

/* Who closed a standard stream gets /dev/null for it: else the next file opened would take its number,
 * and be written to. */
static void open_missing_streams(void) {
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv) {
    open_missing_streams();
    if (argc < 2) {
        fputs(usage_text, stderr);
        return RUN_EXIT_USAGE;
    }
    if (strcmp(argv[1], "run") == 0) {
        return run(argv);
    }
    if (strcmp(argv[1], "shell") == 0) {
        return shell(argv);
    }
    if (strcmp(argv[1], "wast") == 0) {
        return wast(argv);
    }
    if (strcmp(argv[1], "boot") == 0) {
        return boot(argv);
    }
    if (strcmp(argv[1], "help") == 0 || asks_for_help(argv[1])) {
        fputs(usage_text, stdout);
        return 0;
    }
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0) {
        puts("k23 " RUN_VERSION);
        return 0;
    }
    if (access(argv[1], R_OK) == 0) {
        fail(RUN_EXIT_USAGE, "no command %s; to run it: k23 run %s", argv[1], argv[1]);
    }
    fail(RUN_EXIT_USAGE, "no command %s (see k23 help)", argv[1]);
}
