#!/usr/bin/env python3
"""The host of test/kernel/virtio_9p.c: QEMU's 9P server gets a backend, over a socket, that tells it of its root and
nothing else, and goes away when the guest asks for it; then a real one, whose directory is looked at afterwards.

    test/kernel/virtio_9p.py LOADER
"""
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MODERN, LEGACY = (["-global", f"virtio-mmio.force-legacy={legacy}"] for legacy in ("false", "true"))
SILENT = [("modern", MODERN), ("legacy, two harts", [*LEGACY, "-smp", "2"])]
MANY = [("ten threads", MODERN), ("ten threads, two harts, legacy", [*LEGACY, "-smp", "2"])]
TIMEOUT = 600


def answer_lstat(backend):
    """What QEMU asks for at its start: the root is a directory. Its proxy protocol: type and size, then fields."""
    _, size = struct.unpack("<ii", backend.recv(8, socket.MSG_WAITALL))
    backend.recv(size, socket.MSG_WAITALL)
    stat = struct.pack("<QQQIIIQQQQQQQQQQ", 1, 2, 2, 0o40755, 0, 0, 0, 0, 4096, 0, 0, 0, 0, 0, 0, 0)
    backend.sendall(struct.pack("<ii", 0, len(stat)) + stat)


def start(loader, arguments):
    return subprocess.Popen(["timeout", str(TIMEOUT), "qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-display", "none",
                             "-no-reboot", "-serial", "stdio", "-kernel", loader, *arguments],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")


def silent_case(loader, arguments, folder):
    """The guest's console and what is wrong."""
    path = str(Path(folder) / "backend")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    machine = start(loader, [*arguments, "-fsdev", f"proxy,id=fs,socket={path}",
                             "-device", "virtio-9p-device,fsdev=fs,mount_tag=silent"])
    backend, _ = listener.accept()
    answer_lstat(backend)
    console = ""
    for line in machine.stdout:
        console += line
        if "let the server die" in line:
            backend.close()
    backend.close()
    listener.close()
    status = machine.wait()
    return console, f"status {status}" if status else None


def many_case(loader, arguments, folder):
    """Every file that has its name is whole, and those of the threads that were not killed are all there."""
    machine = start(loader, [*arguments, "-fsdev", f"local,id=fs,security_model=none,path={folder}",
                             "-device", "virtio-9p-device,fsdev=fs,mount_tag=host"])
    console, _ = machine.communicate()
    if machine.returncode:
        return console, f"status {machine.returncode}"
    names = [f for f in os.listdir(folder) if f.startswith("done-")]
    for name in names:
        worker, number = map(int, name.split("-")[1:])
        block = bytes((i * 7 + worker + number) & 255 for i in range(256))
        if (Path(folder) / name).read_bytes() != (block * 8)[:2000]:
            return console, f"{name} is not whole"
    missing = [f"done-{w}-{n}" for w in range(1, 10) for n in range(8) if f"done-{w}-{n}" not in names]
    parts = [f for f in os.listdir(folder) if not f.startswith(("done-", "part-0-"))]
    return console, f"{missing} missing, {parts} too many" if missing or parts else None


def main():
    failed = 0
    cases = [(silent_case, *c) for c in SILENT] + [(many_case, *c) for c in MANY]
    for number, (case, name, arguments) in enumerate(cases, 1):
        with tempfile.TemporaryDirectory(prefix="k23-9p-") as folder:
            console, wrong = case(sys.argv[1], arguments, folder)
        failed += bool(wrong)
        print(f"{'not ' if wrong else ''}ok {number} - {name}")
        if wrong:
            print("\n".join("# " + line for line in console.splitlines()[-40:]) + f"\n# {wrong}")
    print(f"{len(cases) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
