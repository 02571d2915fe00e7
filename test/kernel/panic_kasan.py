#!/usr/bin/env python3
"""Boots panic_kasan once for each wrong access, and looks for its report.

    test/kernel/panic_kasan.py LOADER

In a kernel that is not sanitized there is nothing to find, and all are skipped.
"""
import concurrent.futures
import re
import subprocess
import sys

LOADER = sys.argv[1]
MACHINE = ["qemu-system-riscv64", "-machine", "virt", "-m", "128M", "-nographic", "-no-reboot",
           "-bios", "default", "-kernel", LOADER, "-append"]
CASES = {
    "heap_beyond": r"kasan: write of 1 bytes at [0-9a-f]+: beyond an object",
    "heap_next": r"kasan: write of 8 bytes at [0-9a-f]+: beyond an object",
    "heap_freed": r"kasan: read of 4 bytes at [0-9a-f]+: an object that was freed",
    "heap_twice": r"kasan: [0-9a-f]+ is freed twice",
    "frame_freed": r"kasan: write of 100 bytes at [0-9a-f]+: a page that is free",
    "global_beyond": r"kasan: write of 4 bytes at [0-9a-f]+: beyond a global",
    "shift_far": r"undefined behaviour: shift by more .*\(test/kernel/panic_kasan\.c:\d+:\d+\)",
    "misaligned": r"undefined behaviour: access by .*\(test/kernel/panic_kasan\.c:\d+:\d+\)",
    "index_far": r"undefined behaviour: index beyond an array \(test/kernel/panic_kasan\.c:\d+:\d+\)",
}


def boot(name):
    done = subprocess.run(MACHINE + [name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=600)
    return name, done.returncode, done.stdout.decode(errors="replace").replace("\r", "")


def main():
    if "-san/" not in LOADER:
        print(f"0 passed, 0 failed, {len(CASES)} skipped")
        return 0
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number, (name, status, text) in enumerate(pool.map(boot, CASES), 1):
            good = status == 124 and re.search(CASES[name] + r"\n.*" + name + r"\+0x", text, re.S)
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {name}" + ("" if good else f"\n{text}"))
    print(f"1..{len(CASES)}\n{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
