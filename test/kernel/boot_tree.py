#!/usr/bin/env python3
"""Device trees that are odd are booted, and those that are wrong are refused in one line.

    test/kernel/boot_tree.py LOADER

Trees are QEMU's own with some bytes replaced by as many others. OpenSBI reads the tree first, so only
what it lets through gets here; test/unit/boot_machine_test.c does the rest.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

QEMU = ["qemu-system-riscv64", "-m", "64M", "-nographic"]
BASE, SIZE = 0x80000000, 64 << 20


def memory(base, size):
    return struct.pack(">QQ", BASE, SIZE), struct.pack(">QQ", base, size)


# Name, bytes replaced and by what, and the line wanted.
CASES = [
    ("as it is", b"", b"", ", rv64"),
    ("no ISA", b"riscv,isa\0", b"riscv,asi\0", "initrd 0, \n"),
    ("no MMU", b"riscv,sv48", b"riscv,none", "loader: refused: device tree: hart 0"),
    ("no memory", b"memory\0\0", b"memoir\0\0", "loader: refused: device tree: no memory"),
    ("empty memory", *memory(BASE, 0), "loader: refused: device tree: no memory"),
    ("memory that wraps", *memory(BASE, (1 << 64) - 4096), "loader: refused: device tree: no memory"),
    ("too much memory", *memory(BASE, 1 << 50), "loader: refused: memory: ends at"),
    ("memory that is not there", *memory(BASE, 1 << 36), "loader: refused: machine: trap 7"),
    ("memory elsewhere", *memory(0x90000000, SIZE), "loader: refused: memory: loader at"),
    ("memory too small", *memory(BASE, 0x201000), "loader: refused: memory: loader at"),
]


def tree(folder):
    path = os.path.join(folder, "good.dtb")
    subprocess.run(QEMU + ["-machine", f"virt,dumpdtb={path}"], capture_output=True, check=True)
    with open(path, "rb") as file:
        return file.read()


def boot(folder, dtb):
    path = os.path.join(folder, "test.dtb")
    with open(path, "wb") as file:
        file.write(dtb)
    command = QEMU + ["-machine", "virt", "-bios", "default", "-kernel", sys.argv[1], "-dtb", path]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace")


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        good = tree(folder)
        for name, old, new, want in CASES:
            assert len(old) == len(new) and (good.count(old) >= 1 or not old)
            status, output = boot(folder, good.replace(old, new) if old else good)
            right = 125 if "refused" in want else 0
            lines = re.findall(r"(?:loader|payload): .*", output)
            bad = status != right or want not in output or len(lines) != 1
            failed += bad
            print(f"{'not ok' if bad else 'ok'} - {name}" + (f": {status}, {lines}" if bad else ""))
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
