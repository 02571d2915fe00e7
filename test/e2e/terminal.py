#!/usr/bin/env python3
"""k23 on a terminal: programs see one, know its size, and end by its keys, and it is left as it was.

    test/e2e/terminal.py        B names the build folder; prints TAP and the sum as the last line
"""
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
B = TOP / os.environ.get("B", "build")
K23 = B / "host/k23"
TIMEOUT = 600

ENVIRONMENT = """(module
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (call $get (i32.const 1024) (i32.const 4096)))
    (i32.store (i32.const 8) (i32.const 4096))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))
"""


LONG = "(module (memory (export \"memory\") 1) (func (export \"_start\"))\n" + "".join(
    f"(func (param i32) (result i32) local.get 0 {'i32.const 3 i32.mul local.get 0 i32.xor ' * 60})\n" for _ in range(1500)) + ")"


def session(arguments, keys):
    """(status, output, whether the terminal is as before) of k23 on a terminal of 93 columns and 37 lines. `keys`:
    (text to wait for, bytes to type then)."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 37, 93, 0, 0))
    before = termios.tcgetattr(other)

    def become_foreground():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored if the tests run in a shell's background

    child = subprocess.Popen([K23, *map(str, arguments)], stdin=other, stdout=other, stderr=other,
                             preexec_fn=become_foreground)
    output, end = b"", time.monotonic() + TIMEOUT
    while child.poll() is None and time.monotonic() < end:
        if select.select([main], [], [], 0.05)[0]:
            output += os.read(main, 65536)
        if keys and keys[0][0] in output:
            os.write(main, keys.pop(0)[1])
    if child.poll() is None:
        child.kill()
    while select.select([main], [], [], 0.2)[0]:
        output += os.read(main, 65536)
    status = child.wait()
    same = termios.tcgetattr(other) == before
    os.close(main)
    os.close(other)
    return status, output.replace(b"\r\n", b"\n"), same


def await_state(pid, wanted):
    """Until the process is in that state (of /proc/PID/stat), or time is up."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in wanted:
            return True
        time.sleep(0.02)
    return False


def lead(terminal, arguments):
    """A shell of one job, which it starts in front and continues when it has been stopped: the job's status. Says on
    the terminal what there is to know."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    job = subprocess.Popen([K23, *map(str, arguments)], stdin=terminal, stdout=terminal, stderr=terminal, process_group=0)
    os.tcsetpgrp(terminal, job.pid)
    machine = Path(f"/proc/{job.pid}/task/{job.pid}/children")
    while not machine.read_text():
        time.sleep(0.02)
    machine = int(machine.read_text().split()[0])
    os.write(terminal, b"started\n")
    _, how = os.waitpid(job.pid, os.WUNTRACED)
    if os.WIFSTOPPED(how) and await_state(machine, "T"):
        os.write(terminal, b"both stopped\n")
    os.killpg(job.pid, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])


def stopping(arguments):
    """(status, output) of a job that is stopped by ^Z and continued, and then gets a line and the end of input."""
    main, other = pty.openpty()
    leader = os.fork()
    if leader == 0:
        os.close(main)  # so that its end hangs up
        try:
            os._exit(lead(other, arguments) & 0xff)
        finally:
            os._exit(255)
    output, end = b"", time.monotonic() + TIMEOUT
    keys = [(b"started", b"\x1a"), (b"both stopped", b"one two\n"), (b"one two\r\n", b"\x04")]
    while b"bytes" not in output and time.monotonic() < end:
        if select.select([main], [], [], 0.05)[0]:
            output += os.read(main, 65536)
        if keys and keys[0][0] in output:
            os.write(main, keys.pop(0)[1])
    if b"bytes" not in output:
        os.kill(leader, signal.SIGKILL)  # the terminal hangs up on the job
    status = os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1])
    os.close(main)
    os.close(other)
    return status, output


def input_cases():
    """Of what stands in the input a program takes what it reads, and the next one gets the rest."""
    hello, wc = B / "examples/hello.wasm", B / "examples/wc.wasm"
    read_end, write_end = os.pipe()
    os.write(write_end, b"one two\nthree\n")
    os.close(write_end)
    first = subprocess.run([K23, "run", hello], stdin=read_end, capture_output=True, timeout=TIMEOUT)
    second = subprocess.run([K23, "run", wc], stdin=read_end, capture_output=True, timeout=TIMEOUT)
    os.close(read_end)
    ignored = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    job = subprocess.Popen([K23, "run", wc], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=ignored)
    time.sleep(0.1)
    job.send_signal(signal.SIGHUP)
    yield "a signal that was ignored stays so, as under nohup", b"1 lines" in job.communicate(b"a\n", TIMEOUT)[0]
    yield "input that a program does not read is the next one's", first.returncode == 0 and b"2 lines, 3 words" in second.stdout


def cases():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["K23_LOG"] = f"{folder}/log"
        environment = Path(folder) / "environment.wat"
        environment.write_text(ENVIRONMENT)
        status, output, same = session(["run", environment], [])
        yield "the window's size is in the environment", b"COLUMNS=93\0" in output and b"LINES=37\0" in output
        yield "a program's end leaves the terminal as it was", status == 0 and same
        output = session(["run", "--env", "COLUMNS=5", environment], [])[1]
        yield "an own COLUMNS is kept", b"COLUMNS=5\0" in output and b"COLUMNS=93" not in output
        wc = B / "examples/wc.wasm"
        status, output, same = session(["run", wc], [(b"", b"one two\n"), (b"one two\r\n", b"\x04")])
        yield "^D ends the input", status == 0 and b"1 lines, 2 words" in output and same
        status, output, same = session(["run", wc], [(b"", b"one\n"), (b"one\r\n", b"\x03")])
        yield "^C ends the program", status in (-2, 130) and same
        status, output, same = session(["run", TOP / "test/e2e/wat/endless.wat", "--timeout", "60"], [(b"", b""), (b"", b"\x03")])
        yield "^C ends a program that never looks", status in (-2, 130) and same
        long = Path(folder) / "long.wat"
        long.write_text(LONG)
        status, output, same = session(["run", "--eager", long], [])
        yield "a long compile shows how far it is", status == 0 and b"k23: compiling [#" in output and same
        yield "and leaves nothing", output.endswith(b"\r\x1b[K")
        output = session(["run", long], [])[1]
        yield "but not if it is left for later", output == b""
        status, output = stopping(["run", wc])
        yield "^Z stops the program and its machine, and it can go on", status == 0 and b"1 lines, 2 words" in output
        yield from input_cases()


def main():
    failed = count = 0
    for name, good in cases():
        count, failed = count + 1, failed + (not good)
        print(f"{'ok' if good else 'not ok'} - terminal: {name}", flush=True)
    print(f"{count - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
