#!/usr/bin/env python3
"""Places are random and independent: over many boots image, stack, area and seed do not repeat, the
physical map (17 bits in Sv48) hardly, and every bit that may vary does. Bounds are such that good places
exceed them less than once in ten thousand million runs: of 200 places of 2^34 a pair may be the same, and
seven of 2^17.

    test/kernel/boot_random.py LOADER      BOOTS=40 for fewer than the usual 200
"""
import concurrent.futures
import os
import re
import subprocess
import sys

BOOTS = int(os.environ.get("BOOTS", "200"))
NAMES = ["physical map", "image", "stack", "area", "seed"]
# For each, the bits of an address that are drawn: above the alignment, below the window's size.
BITS = [range(30, 46), range(12, 46), range(12, 46), range(12, 46), range(64)]


def boot(_):
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-nographic", "-bios", "default",
               "-kernel", sys.argv[1]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    found = re.search(r"places: (\w+) (\w+) (\w+) (\w+) seed: (\w+) levels: 4",
                      done.stdout.decode(errors="replace"))
    return [int(n, 16) for n in found.groups()] if found else None


def main():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        boots = [b for b in pool.map(boot, range(BOOTS)) if b]
    checks = [(f"{BOOTS} boots", len(boots) == BOOTS)]
    for i, name in enumerate(NAMES):
        seen = [b[i] for b in boots]
        wanted = len(seen) - (1 if i else 7)
        checks.append((f"{name}: {len(set(seen))} different", len(set(seen)) >= wanted))
        ones = [sum(n >> bit & 1 for n in seen) for bit in BITS[i]]
        stuck = [bit for bit, n in zip(BITS[i], ones) if n == 0 or n == len(seen)]
        checks.append((f"{name}: bits {BITS[i][0]} to {BITS[i][-1]} vary", not stuck))
    print(f"# {len(boots)} boots, {', '.join(f'{len(set(b[i] for b in boots))} {n}' for i, n in enumerate(NAMES))} differ")
    for text, good in checks:
        print(f"{'ok' if good else 'not ok'} - {text}")
    failed = sum(not good for _, good in checks)
    print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
