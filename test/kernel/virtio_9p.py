#!/usr/bin/env python3
"""The host of test/kernel/virtio_9p.c: QEMU's 9P server gets a backend, over a socket, that tells it of its root and
nothing else, and goes away when the guest asks for it.

    test/kernel/virtio_9p.py LOADER
"""
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CASES = [("modern", ["-global", "virtio-mmio.force-legacy=false"]),
         ("legacy, two harts", ["-global", "virtio-mmio.force-legacy=true", "-smp", "2"])]
TIMEOUT = 60


def answer_lstat(backend):
    """What QEMU asks for at its start: the root is a directory. Its proxy protocol: type and size, then fields."""
    _, size = struct.unpack("<ii", backend.recv(8, socket.MSG_WAITALL))
    backend.recv(size, socket.MSG_WAITALL)
    stat = struct.pack("<QQQIIIQQQQQQQQQQ", 1, 2, 2, 0o40755, 0, 0, 0, 0, 4096, 0, 0, 0, 0, 0, 0, 0)
    backend.sendall(struct.pack("<ii", 0, len(stat)) + stat)


def case(loader, arguments, folder):
    """The guest's console and its exit status."""
    path = str(Path(folder) / "backend")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    machine = subprocess.Popen(["timeout", str(TIMEOUT), "qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-display", "none",
                                "-no-reboot", "-serial", "stdio", "-kernel", loader, *arguments,
                                "-fsdev", f"proxy,id=fs,socket={path}",
                                "-device", "virtio-9p-device,fsdev=fs,mount_tag=silent"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
    backend, _ = listener.accept()
    answer_lstat(backend)
    console = ""
    for line in machine.stdout:
        console += line
        if "let the server die" in line:
            backend.close()
    backend.close()
    listener.close()
    return console, machine.wait()


def main():
    failed = 0
    for number, (name, arguments) in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory(prefix="k23-9p-") as folder:
            console, status = case(sys.argv[1], arguments, folder)
        good = status == 0
        failed += not good
        print(f"{'' if good else 'not '}ok {number} - {name}")
        if not good:
            print("\n".join("# " + line for line in console.splitlines()[-40:]) + f"\n# status {status}")
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
