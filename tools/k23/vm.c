/*
 * Runs QEMU as a child and moves bytes: our stdin to the port "stdin", the ports "stdout" and
 * "stderr" to ours, the serial line (the kernel's log) to a file. The end of our stdin closes that
 * direction of its socket, which the guest sees as the port's being closed. The machine's exit code
 * is QEMU's. QEMU dies with us, and stops while we are stopped.
 *
 * Our stdin is read once for each byte that the machine sends on the port "stdin" (init/streams.c), so that what
 * its program does not read is left to the next one, and a program in the background is stopped by its
 * terminal when it reads, not before. A terminal in raw mode is read all the time: ^] must be seen.
 *
 * A reader of our stdout or stderr who does not read holds up that stream alone: its bytes wait here, and then
 * in the machine, while everything else goes on.
 *
 * With `serial` the serial line takes the place of "stdin" and "stdout".
 */
#include "tools/k23/vm.h"

#include "tools/k23/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum stream { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_LOG, STREAM_QEMU, STREAM_COUNT };

/* Bytes on their way to our stdout or stderr: [at, size). */
struct outlet {
    char bytes[65536];
    size_t at, size;
};

struct vm {
    const struct vm_config *config;
    pid_t qemu;
    int ours[STREAM_COUNT], theirs[STREAM_COUNT]; /* ends of the sockets */
    bool closed[STREAM_COUNT];                    /* by the machine */
    struct outlet out, err;
    int log_file;
    bool logged; /* the machine has said something: it has started */
    uint64_t started_ns, logged_ns;
    char complaint[512]; /* the beginning of what QEMU itself said */
    size_t complaint_size;
    char input[65536]; /* read from our stdin, not yet taken by the machine */
    size_t input_at, input_size;
    bool input_ended; /* of our stdin, or the machine takes no more */
    bool wanted;      /* the machine has asked for input */
    bool is_raw;      /* our stdin is a terminal that is the machine's */
    bool quit;        /* KEY_QUIT was typed */
};

enum { KEY_END = 0x04, KEY_QUIT = 0x1d };

static volatile sig_atomic_t caught_signal, caught_stop;
static int signal_pipe[2]; /* wakes poll(), which may be about to wait when the signal comes */

static void on_signal(int number) {
    int saved = errno;
    *(number == SIGTSTP ? &caught_stop : &caught_signal) = number;
    ssize_t n = write(signal_pipe[1], "", 1);
    (void)n; /* full: it wakes already */
    errno = saved;
}

static void clear_signal_pipe(void) {
    char bytes[64];
    while (read(signal_pipe[0], bytes, sizeof(bytes)) > 0) {
    }
}

static int write_all(int fd, const char *at, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR && !caught_signal) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

/* ---- starting ------------------------------------------------------------------------------ */

#define MAX_ARGS 64
#define ARG_SIZE 128

struct command {
    const char *argv[MAX_ARGS];
    char storage[MAX_ARGS][ARG_SIZE];
    unsigned argc;
};

static void add(struct command *c, const char *arg) {
    c->argv[c->argc++] = arg;
}

static void add_format(struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_format(struct command *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(c->storage[c->argc], ARG_SIZE, format, args);
    va_end(args);
    add(c, c->storage[c->argc]);
}

static void add_port(struct command *c, const char *name, int fd) {
    add(c, "-chardev");
    add_format(c, "socket,id=%s,fd=%d", name, fd);
    add(c, "-device");
    add_format(c, "virtserialport,chardev=%s,name=%s", name, name);
}

/* In QEMU's options a comma in a value is written twice. */
static const char *escape(const char *text) {
    char *copy = malloc(2 * strlen(text) + 1), *to = copy;
    for (const char *at = text; copy && *at; at++) {
        *to++ = *at;
        if (*at == ',') {
            *to++ = ',';
        }
    }
    if (copy) {
        *to = '\0';
    }
    return copy ? copy : "";
}

/* A live directory. "none": files on this machine are the user's own and look as the program made them; links are
 * links. "remap" keeps inode numbers apart where other file systems are mounted below. */
static void add_share(struct command *c, const struct dirs_share *share) {
    static char options[DIRS_MAX_LIVE][2 * PATH_MAX + ARG_SIZE];
    static unsigned used;
    char *option = options[used++ % DIRS_MAX_LIVE];
    snprintf(option, sizeof(options[0]),
             "local,id=%s,security_model=none,multidevs=remap,readonly=%s,path=%s", share->tag,
             share->read_only ? "on" : "off", escape(share->path));
    add(c, "-fsdev"), add(c, option);
    add(c, "-device");
    add_format(c, "virtio-9p-device,fsdev=%s,mount_tag=%s", share->tag, share->tag);
}

static void make_command(struct command *c, const struct vm *vm) {
    const struct vm_config *config = vm->config;
    add(c, "qemu-system-riscv64");
    add(c, "-nodefaults");
    add(c, "-display"), add(c, "none");
    add(c, "-machine"), add(c, "virt");
    add(c, "-cpu"), add(c, config->cpu);
    add(c, "-m"), add(c, config->memory);
    add(c, "-smp"), add(c, config->harts);
    add(c, "-kernel"), add(c, config->loader);
    add(c, "-append"), add(c, config->bootargs);
    if (config->initrd_fd >= 0) {
        add(c, "-initrd");
        add_format(c, "/proc/self/fd/%d", config->initrd_fd);
    }
    if (config->exact) {
        /* With sleep=off an idle machine runs from timer to timer and QEMU does not get to its input. */
        add(c, "-icount"), add(c, "shift=0,sleep=on");
    }
    add(c, "-global"), add(c, "virtio-mmio.force-legacy=false");
    add(c, "-chardev");
    add_format(c, "socket,id=log,fd=%d", vm->theirs[STREAM_LOG]);
    add(c, "-serial"), add(c, "chardev:log");
    add(c, "-device"), add(c, "virtio-serial-device,max_ports=8");
    add_port(c, "stdin", vm->theirs[STREAM_IN]);
    add_port(c, "stdout", vm->theirs[STREAM_OUT]);
    add_port(c, "stderr", vm->theirs[STREAM_ERR]);
    for (int i = 0; config->dirs && i < config->dirs->count; i++) {
        add_share(c, &config->dirs->shares[i]);
    }
    add(c, NULL);
}

static _Noreturn void become_qemu(const struct vm *vm, const struct command *command) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* keys of the terminal are for us */
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(vm->theirs[STREAM_QEMU], STDOUT_FILENO);
    dup2(vm->theirs[STREAM_QEMU], STDERR_FILENO);
    for (int i = 0; i < STREAM_COUNT; i++) {
        close(vm->ours[i]);
    }
    execvp(command->argv[0], (char *const *)command->argv);
    fprintf(stderr, "%s: %s\n", command->argv[0], strerror(errno));
    _exit(127);
}

static bool start(struct vm *vm) {
    for (int i = 0; i < STREAM_COUNT; i++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
            return false;
        }
        vm->ours[i] = pair[0];
        vm->theirs[i] = pair[1];
        fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    }
    struct command command = {.argc = 0};
    make_command(&command, vm);
    vm->qemu = fork();
    if (vm->qemu == 0) {
        become_qemu(vm, &command);
    }
    for (int i = 0; i < STREAM_COUNT; i++) {
        close(vm->theirs[i]);
    }
    return vm->qemu > 0;
}

/* ---- moving bytes -------------------------------------------------------------------------- */

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void take_log(struct vm *vm, const char *bytes, size_t size) {
    if (!vm->logged) {
        vm->logged = true;
        vm->logged_ns = now_ns();
    }
    if (vm->log_file >= 0) {
        (void)write_all(vm->log_file, bytes, size);
    }
    if (vm->config->serial) {
        (void)write_all(STDOUT_FILENO, bytes, size);
    } else if (vm->config->log_to_stderr) {
        (void)write_all(STDERR_FILENO, bytes, size);
    }
}

static void take_complaint(struct vm *vm, const char *bytes, size_t size) {
    size_t room = sizeof(vm->complaint) - 1 - vm->complaint_size;
    size_t n = size < room ? size : room;
    memcpy(vm->complaint + vm->complaint_size, bytes, n);
    vm->complaint_size += n;
    if (vm->log_file >= 0) {
        (void)write_all(vm->log_file, bytes, size);
    }
}

/* As much as the reader takes without making us wait: to a pipe that has room PIPE_BUF bytes can be written. False
 * when nobody reads our output any more. */
static bool empty(struct outlet *outlet, int fd) {
    while (outlet->at < outlet->size) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        if (poll(&room, 1, 0) <= 0) {
            return true;
        }
        size_t left = outlet->size - outlet->at;
        ssize_t n = write(fd, outlet->bytes + outlet->at, left < PIPE_BUF ? left : PIPE_BUF);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            return true;
        }
        if (n <= 0) {
            return false;
        }
        outlet->at += (size_t)n;
    }
    return true;
}

static bool is_full(const struct outlet *outlet) {
    return outlet->at < outlet->size;
}

/* Reads what came from the machine on `stream`, which may be its end. False when nobody reads our output any more. */
static bool take(struct vm *vm, int stream) {
    static char buf[65536];
    struct outlet *outlet = stream == STREAM_OUT   ? &vm->out
                            : stream == STREAM_ERR ? &vm->err
                                                   : NULL;
    ssize_t n = read(vm->ours[stream], outlet ? outlet->bytes : buf, sizeof(buf));
    if (n <= 0) {
        vm->closed[stream] = n == 0 || errno != EINTR;
    } else if (outlet) {
        outlet->at = 0;
        outlet->size = (size_t)n;
        return empty(outlet, stream == STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO);
    } else if (stream == STREAM_LOG) {
        take_log(vm, buf, (size_t)n);
    } else {
        take_complaint(vm, buf, (size_t)n);
    }
    return true;
}

/* Where input goes. */
static int input_stream(const struct vm *vm) {
    return vm->config->serial ? STREAM_LOG : STREAM_IN;
}

static void end_input(struct vm *vm) {
    vm->input_ended = true;
    if (vm->config->serial) {
        vm->input[0] = KEY_END;
        vm->input_at = 0;
        vm->input_size = 1;
    }
}

/* From our stdin to the machine: one step, which never waits, so that a program that does not read
 * cannot keep its output from us. */
static void give_input(struct vm *vm, bool readable, bool writable) {
    if (vm->input_size == 0 && readable) {
        ssize_t n = read(STDIN_FILENO, vm->input, sizeof(vm->input));
        if (n > 0) {
            vm->input_at = 0;
            vm->input_size = (size_t)n;
            vm->wanted = vm->config->terminal || vm->config->serial;
            vm->quit = vm->is_raw && memchr(vm->input, KEY_QUIT, (size_t)n);
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            end_input(vm);
        }
    } else if (vm->input_size > 0 && writable) {
        ssize_t n = send(vm->ours[input_stream(vm)], vm->input + vm->input_at, vm->input_size,
                         MSG_DONTWAIT);
        if (n > 0) {
            vm->input_at += (size_t)n;
            vm->input_size -= (size_t)n;
        } else if (errno != EINTR && errno != EAGAIN) {
            vm->input_ended = true;
            vm->input_size = 0;
        }
    }
    if (vm->input_ended && !vm->config->serial) {
        shutdown(vm->ours[STREAM_IN], SHUT_WR);
    }
}

/* What the machine says on the port "stdin". */
static bool take_request(struct vm *vm) {
    char bytes[64];
    ssize_t n = read(vm->ours[STREAM_IN], bytes, sizeof(bytes));
    vm->wanted = vm->wanted || n > 0;
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* ^Z, or whoever sent the signal: with the machine, and with the terminal as it was, until we are continued. */
static void stop(struct vm *vm) {
    struct sigaction mine, usual = {.sa_handler = SIG_DFL};
    bool was_raw = vm->is_raw;
    caught_stop = 0;
    kill(vm->qemu, SIGSTOP);
    terminal_restore();
    sigaction(SIGTSTP, &usual, &mine);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &mine, NULL);
    vm->is_raw = was_raw && terminal_set_raw();
    kill(vm->qemu, SIGCONT);
}

/* What pump() waits for: the machine's streams, then our own. */
enum { POLL_STDIN = STREAM_COUNT, POLL_STDOUT, POLL_STDERR, POLL_SIGNAL, POLL_COUNT };

/* poll() passes over negative descriptors. */
static struct pollfd when(bool wanted, int fd, short events) {
    return (struct pollfd){.fd = wanted ? fd : -1, .events = events};
}

static void choose(const struct vm *vm, struct pollfd *fds) {
    bool pending = vm->input_size > 0, serial = vm->config->serial;
    short both = pending ? POLLIN | POLLOUT : POLLIN;
    bool reads = vm->wanted && !pending && !vm->input_ended;
    fds[STREAM_IN] = when(!vm->input_ended && !serial, vm->ours[STREAM_IN], both);
    for (int i = STREAM_OUT; i < STREAM_COUNT; i++) {
        fds[i] = when(!vm->closed[i], vm->ours[i], i == STREAM_LOG && serial ? both : POLLIN);
    }
    fds[STREAM_OUT].fd = is_full(&vm->out) ? -1 : fds[STREAM_OUT].fd;
    fds[STREAM_ERR].fd = is_full(&vm->err) ? -1 : fds[STREAM_ERR].fd;
    fds[POLL_STDIN] = when(reads, STDIN_FILENO, POLLIN);
    fds[POLL_STDOUT] = when(is_full(&vm->out), STDOUT_FILENO, POLLOUT);
    fds[POLL_STDERR] = when(is_full(&vm->err), STDERR_FILENO, POLLOUT);
    fds[POLL_SIGNAL] = when(true, signal_pipe[0], POLLIN);
}

/* Whatever can be moved. False when nobody reads our output any more. */
static bool move(struct vm *vm, const struct pollfd *fds) {
    if ((fds[STREAM_IN].revents & ~POLLOUT) && !take_request(vm)) {
        vm->input_ended = true;
    }
    if ((fds[POLL_STDOUT].revents && !empty(&vm->out, STDOUT_FILENO)) ||
        (fds[POLL_STDERR].revents && !empty(&vm->err, STDERR_FILENO))) {
        return false;
    }
    for (int i = STREAM_OUT; i < STREAM_COUNT; i++) {
        if ((fds[i].revents & ~POLLOUT) && !take(vm, i)) {
            return false;
        }
    }
    short writable = fds[input_stream(vm)].revents & POLLOUT;
    if (vm->input_size > 0 || fds[POLL_STDIN].fd >= 0) {
        give_input(vm, fds[POLL_STDIN].revents != 0, writable != 0);
    }
    return true;
}

static bool is_open(const struct vm *vm) {
    for (int i = STREAM_OUT; i < STREAM_COUNT; i++) {
        if (!vm->closed[i]) {
            return true;
        }
    }
    return is_full(&vm->out) || is_full(&vm->err);
}

/* Until the machine has closed all its streams. False when we should end it. */
static bool pump(struct vm *vm) {
    struct pollfd fds[POLL_COUNT];
    while (is_open(vm)) {
        if (caught_signal || vm->quit) {
            return false;
        }
        if (caught_stop) {
            stop(vm);
        }
        choose(vm, fds);
        if (poll(fds, POLL_COUNT, -1) < 0) {
            continue;
        }
        if (fds[POLL_SIGNAL].revents) {
            clear_signal_pipe();
        } else if (!move(vm, fds)) {
            return false;
        }
    }
    return true;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static bool catch_signals(void) {
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return false;
    }
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGALRM};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction action = {.sa_handler = on_signal}, before;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler != SIG_IGN || numbers[i] == SIGALRM) { /* as under nohup; ours */
            sigaction(numbers[i], &action, NULL);
        }
    }
    signal(SIGPIPE, SIG_IGN);
    return true;
}

static void set_alarm(double seconds) {
    struct itimerval when = {.it_value.tv_sec = (time_t)seconds};
    when.it_value.tv_usec = (suseconds_t)((seconds - (double)when.it_value.tv_sec) * 1e6);
    if (when.it_value.tv_sec == 0 && when.it_value.tv_usec == 0) {
        when.it_value.tv_usec = 1;
    }
    setitimer(ITIMER_REAL, &when, NULL);
}

enum vm_end vm_run(const struct vm_config *config, int *status_out) {
    static struct vm vm;
    vm = (struct vm){.config = config, .wanted = config->terminal || config->serial};
    vm.log_file = open(config->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    vm.started_ns = now_ns();
    bool caught = catch_signals();
    if (caught && config->timeout > 0) {
        set_alarm(config->timeout);
    }
    if (!caught || !start(&vm)) {
        fprintf(stderr, "k23: cannot start the machine: %s\n", strerror(errno));
        return VM_FAILED;
    }
    vm.is_raw = config->terminal && terminal_set_raw();
    bool ended = pump(&vm);
    terminal_restore();
    if (!ended) {
        kill(vm.qemu, SIGKILL);
    }
    int status = 0;
    while (waitpid(vm.qemu, &status, 0) < 0 && errno == EINTR) {
    }
    close(vm.log_file);
    if (!ended) {
        *status_out = caught_signal ? caught_signal : vm.quit ? SIGINT : SIGPIPE;
        return VM_INTERRUPTED;
    }
    if (!WIFEXITED(status) || !vm.logged) {
        fprintf(stderr, "k23: the machine did not run: %.*s\n", (int)strcspn(vm.complaint, "\n"),
                vm.complaint);
        return VM_FAILED;
    }
    if (config->log_to_stderr) { /* the rest of the time the machine tells itself */
        fprintf(stderr, "k23: QEMU's start %.0f ms, %.0f ms in all\n",
                (double)(vm.logged_ns - vm.started_ns) / 1e6,
                (double)(now_ns() - vm.started_ns) / 1e6);
    }
    *status_out = WEXITSTATUS(status);
    return VM_ENDED;
}
