#!/usr/bin/env python3
"""Reads the report of a panic: its parts in their order, places in the source, time.

    test/kernel/panic_report.py LOADER
"""
import re
import subprocess
import sys
from pathlib import Path

LOADER = sys.argv[1]
SOURCE = Path("test/kernel/panic_report.c").read_text().split("\n")
MACHINE = ["qemu-system-riscv64", "-machine", "virt", "-m", "128M", "-nographic", "-no-reboot",
           "-bios", "default", "-kernel", LOADER]
HERE, THERE = (1 + next(i for i, line in enumerate(SOURCE) if f"/* {mark} */" in line)
               for mark in ("HERE", "THERE"))
LIMIT_US = 50000
ATTEMPTS = 10
passed = failed = 0


def check(good, what):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok' if good else 'not ok'} {passed + failed} - {what}")
    return bool(good)


def boot(*options):
    done = subprocess.run(MACHINE + list(options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace").replace("\r", "")


def place(text, *parts):
    """Whether the parts come in this order."""
    return re.search(".*?".join(parts), text, re.S)


def microseconds(text):
    match = re.search(r"reported in (\d+) us", text)
    return int(match[1]) if match else LIMIT_US


def boot_in_time(*options):
    """A machine of which no hart but the deaf one, its last, was stopped too late: such a one may write a few
    bytes in between, and it is the host that held it up."""
    for _ in range(ATTEMPTS):
        status, text = boot(*options)
        if not re.search("hart [0-2] did not stop", text):
            break
    return status, text


def look(name, options, deaf):
    status, text = boot_in_time(*options)
    good = check(status == 124, f"{name}: exit status 124")
    report = text[text.find("kernel panic:"):]
    file = r"test/kernel/panic_report\.c"
    activation = r"  wasm guilty!leaf \(func 1\) at 0x[0-9a-f]+\n" \
                 r"  wasm guilty!middle \(func 2\) at 0x[0-9a-f]+\n" \
                 r"  wasm guilty!outer \(func 3\) at 0x[0-9a-f]+\n"
    good &= check(report.startswith("kernel panic: the roof burns, depth 3\n"), f"{name}: the message")
    good &= check(place(report, r'on hart \d+, thread "boot"\n', "backtrace:\n",
                        rf"burn_down\+0x[0-9a-f]+ {file}:{HERE}\n", rf" fail\+0x[0-9a-f]+ {file}:\d+\n",
                        activation, r" wasm_call\+0x[0-9a-f]+ wasm/runtime/call\.c:\d+\n",
                        rf" call_outer\+0x[0-9a-f]+ {file}:{THERE}\n",
                        activation, rf" call_outer\+0x[0-9a-f]+ {file}:{THERE}\n", r" (test|_start)\+0x"),
                  f"{name}: functions of kernel and guests with their places")
    good &= check(report.count("guilty!outer") == 2, f"{name}: each guest once")
    log = report[report.find("last lines of the log:\n"):report.find("reported in")].split("\n")[1:-1]
    # A hart that does not stop may write in between.
    whole = sum(bool(re.match(r"\[ *\d+\.\d{6} \d+ \w+\] ", line)) for line in log)
    # Others may write more than twenty lines after its last.
    last_words = "last words 29" in (text if deaf else "\n".join(log))
    good &= check(whole >= (16 if deaf else 20) and last_words,
                  f"{name}: twenty lines of the log")
    good &= check("did not stop" in text if deaf else True, f"{name}: a hart that does not listen")
    good &= check("and a panic" not in text, f"{name}: nothing went wrong in between")
    if not good:
        print(text)
    return microseconds(text)


def look_again():
    status, text = boot("-smp", "2", "-append", "again")
    good = check(status == 124, "again: exit status 124")
    good &= check(place(text, "kernel panic: the roof burns", "backtrace:\n",
                        r"\(and a panic in this report: store page fault at [0-9a-f]+, address 0+8\)\n",
                        "last lines of the log:\n", "last words 29", "reported in"),
                  "again: the part that failed is left, the others follow")
    if not good:
        print(text)


def main():
    under_icount = look("one hart, -icount", ["-icount", "shift=0"], False)
    check(under_icount < LIMIT_US, f"reported in {under_icount} us, an instruction a nanosecond")
    # By the clock, which others use too: a figure, no verdict.
    print(f"# reported in {look('four harts', ['-smp', '4'], True)} us by the clock")
    look_again()
    print(f"1..{passed + failed}\n{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
