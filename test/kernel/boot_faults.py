#!/usr/bin/env python3
"""Every access of test/kernel/boot_faults.c ends in the loader's trap report, with the right cause and
address, and with the exit code of a panic.

    test/kernel/boot_faults.py LOADER
"""
import re
import subprocess
import sys

FETCH, STORE = 0xC, 0xF
CASES = {**{f"stack {hart}": STORE for hart in range(4)}, "stack": STORE, "text": STORE, "constant": STORE, "relro": STORE, "null": STORE,
         "loader": STORE, "above-stack": STORE, "below-area": STORE, "run-data": FETCH,
         "run-physmap": FETCH, "run-stack": FETCH}


def fault(loader, case, cause):
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-nographic", "-bios", "default",
               "-kernel", loader, "-append", case, "-smp", "4" if case[-1].isdigit() else "1"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    output = done.stdout.decode(errors="replace")
    bounds = re.search(r"between (\w+) and (\w+)", output)
    report = re.search(r"loader: payload trapped: cause (\w+) at (\w+) address (\w+)", output)
    if done.returncode != 124 or not bounds or not report:
        return f"ended with {done.returncode}\n{output}"
    low, high = (int(n, 16) for n in bounds.groups())
    seen, _, address = (int(n, 16) for n in report.groups())
    if seen != cause or not low <= address < high:
        return f"{bounds.group()}, but {report.group()}"
    return None


def main():
    failed = 0
    for case, cause in CASES.items():
        reason = fault(sys.argv[1], case, cause)
        failed += reason is not None
        print(f"{'not ok' if reason else 'ok'} - {case}" + (f": {reason}" if reason else ""))
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
