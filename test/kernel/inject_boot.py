#!/usr/bin/env python3
"""Boots test/kernel/inject_boot.c once for each allocation of the machine's start, which then fails: with a console of
three ports, two of the host's directories and two harts, so that every driver has something to ask for.

    test/kernel/inject_boot.py LOADER

All of them with INJECT=all in the environment (make inject), else about ten.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

END = re.compile(r"# (nothing )?failed, (\d+) frames and (\d+) objects in use, (\d+) harts")
SUM = re.compile(r"^\d+ passed, 0 failed, 0 skipped\s*$", re.M)
MOST = 500
SAMPLES = 10
TIMEOUT = 300


def boot(loader, folder, number):
    """(whether the order was carried out, frames, objects), or the reason why that cannot be said."""
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-display", "none", "-no-reboot",
               "-serial", "stdio", "-smp", "2", "-kernel", loader, "-append", f"fail={number}",
               "-device", "virtio-serial-device,max_ports=8"]
    for name in ("stdin", "stdout", "stderr"):
        command += ["-chardev", f"null,id={name}", "-device", f"virtserialport,chardev={name},name={name}"]
    for name in ("one", "two"):
        command += ["-fsdev", f"local,id={name},path={folder},security_model=none",
                    "-device", f"virtio-9p-device,fsdev={name},mount_tag={name}"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as error:
        return f"time-out:\n{(error.stdout or b'').decode(errors='replace')}"
    output = done.stdout.decode(errors="replace")
    end = END.search(output)
    if done.returncode or not end or not SUM.search(output):
        return output
    return end[1] is None, int(end[2]), int(end[3])


def find_last(loader, folder):
    """The number of allocations: the first order that is not carried out is one more."""
    low, high = 0, MOST
    while high - low > 1:
        middle = (low + high) // 2
        result = boot(loader, folder, middle)
        if isinstance(result, str):
            return result
        low, high = (middle, high) if result[0] else (low, middle)
    return low


def judge(result, normal):
    if isinstance(result, str):
        return result
    if result[1] > normal[1] or result[2] > normal[2]:
        return f"{result[1]} frames and {result[2]} objects in use, not {normal[1]} and {normal[2]}"
    return None


def main():
    loader = sys.argv[1]
    failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        normal, last = boot(loader, folder, 0), find_last(loader, folder)
        for wrong in (normal, last):
            if isinstance(wrong, str):
                print(f"not ok 1 - a start\n{wrong}\n0 passed, 1 failed, 0 skipped")
                return 1
        print(f"# {last} allocations; {normal[1]} frames and {normal[2]} objects in use")
        step = 1 if os.environ.get("INJECT") == "all" else max(1, last // SAMPLES)
        numbers = range(1, last + 1, step)
        results = list(pool.map(lambda number: boot(loader, folder, number), numbers))
        for number, result in zip(numbers, results):
            reason = judge(result, normal)
            failed += reason is not None
            print(f"{'not ok' if reason else 'ok'} {number} - allocation {number} fails" +
                  (f" # {reason}" if reason else ""), flush=True)
    # The last ones may not be needed in every boot.
    hits = sum(not isinstance(result, str) and result[0] for result in results)
    if hits * 10 < len(numbers) * 8:
        print(f"not ok {last + 1} - only {hits} of {len(numbers)} failed on order")
        failed += 1
    print(f"{len(numbers) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
