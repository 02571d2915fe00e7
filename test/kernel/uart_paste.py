#!/usr/bin/env python3
"""The other end of test/kernel/uart_paste.c: pastes bytes into the serial port as fast as they are taken
and compares what comes back; then it waits for lines of the log. In some cases it does not read either for a
while, so that output is held back too.

    test/kernel/uart_paste.py LOADER
"""
import fcntl
import os
import random
import subprocess
import sys
import threading
import time

# What is awaited before the bytes go off: the payload, or the end of the firmware's start, which clears
# the port's queues.
READY = b"uart ready\n"
EARLY = b"MEDELEG"
# The log's lines that come at the end, and how many bytes they are.
LOG = b"log follows\n"
LOG_LINES = [b"held back, line %04d of 1000" % i for i in range(1000)]

# Name, bytes, microseconds the guest's reader sleeps, seconds this end does not read, more for QEMU.
CASES = [
    ("1 MiB", 1 << 20, 0, 0, []),
    ("typed ahead", 20000, 0, 0, []),
    ("slow reader", 300001, 20000, 0, ["-smp", "4"]),
    ("output held back", 200000, 0, 1, ["-smp", "2"]),
    ("AIA, messages", 300001, 0, 0, ["-smp", "4", "-machine", "aia=aplic-imsic"]),
    ("AIA, direct", 100000, 20000, 0, ["-machine", "aia=aplic"]),
]


def start(loader, arguments):
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-display", "none", "-monitor", "none",
               "-no-reboot", "-serial", "stdio", "-append", "log=error", "-kernel", loader]  # no line of the log among the bytes
    return subprocess.Popen(command + arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def collect(process, pause, into):
    awaited = [READY, LOG] if pause else []
    if pause:
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)  # it is soon full
    while chunk := os.read(process.stdout.fileno(), 4096):
        into += chunk
        if awaited and awaited[0] in into:
            awaited.pop(0)
            time.sleep(pause)


def wait_for(into, text, process, seconds):
    end = time.monotonic() + seconds
    while text not in into and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    return text in into


def case(loader, size, pause_us, pause, arguments, awaited):
    """The reason for which it failed, or nothing; and the guest's own lines."""
    data = random.Random(size).randbytes(size)
    process = start(loader, arguments)
    got = bytearray()
    reader = threading.Thread(target=collect, args=(process, pause, got))
    reader.start()
    try:
        if not wait_for(got, awaited, process, 300):
            return "the guest is not ready", got
        process.stdin.write(b"%d %d\n" % (size, pause_us) + data)
        process.stdin.flush()
        if not wait_for(got, LOG_LINES[-1], process, 600):
            return "the log did not come", got[-2000:]
        process.stdin.write(b"!")
        process.stdin.flush()
        process.wait(600)
    except (subprocess.TimeoutExpired, BrokenPipeError) as error:
        process.kill()
        return f"{type(error).__name__} after {len(got)} bytes", got[:2000]
    finally:
        process.kill()
        process.wait()
        reader.join()
    at = got.index(READY) + len(READY)
    back, rest = bytes(got[at:at + size]), bytes(got[at + size:])
    if back != data:
        first = next((i for i, (a, b) in enumerate(zip(back, data)) if a != b), len(back))
        return f"byte {first} of {size} differs", got[:at] + rest[:2000]
    lines = rest.replace(b"\r", b"").split(b"\n")
    if [line for line in lines if b"held back, line" in line] != LOG_LINES:
        return "the log's lines are not whole", rest[:2000]
    return (None if process.returncode == 0 else f"the guest ended with {process.returncode}"), rest


def main():
    failed = 0
    for number, (name, size, pause_us, pause, arguments) in enumerate(CASES, 1):
        started = time.monotonic()
        reason, lines = case(sys.argv[1], size, pause_us, pause, arguments,
                             EARLY if name == "typed ahead" else READY)
        text = bytes(lines).decode(errors="replace")
        for line in text.splitlines():
            if reason or line.startswith("#"):
                print("#" + line.lstrip("#"))
        failed += reason is not None
        print(f"# {name}: {time.monotonic() - started:.2f} s")
        print(f"{'not ok' if reason else 'ok'} {number} - {name}" + (f" # {reason}" if reason else ""), flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
