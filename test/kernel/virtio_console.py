#!/usr/bin/env python3
"""The host of test/kernel/virtio_console.c: sends bytes into the port "stdin", closes it, and looks at
what comes out at "stdout" and "stderr".

    test/kernel/virtio_console.py LOADER
"""
import random
import socket
import subprocess
import sys
import threading
import time

CASES = [
    ("modern, 1 MiB", 1 << 20, ["-global", "virtio-mmio.force-legacy=false"]),
    ("legacy, 1 MiB", 1 << 20, ["-global", "virtio-mmio.force-legacy=true"]),
    ("nothing at all", 0, ["-global", "virtio-mmio.force-legacy=false"]),
    ("one byte", 1, ["-global", "virtio-mmio.force-legacy=false"]),
    ("AIA, messages", 300001, ["-smp", "2", "-machine", "aia=aplic-imsic"]),
    ("AIA, direct", 300001, ["-machine", "aia=aplic"]),
    ("four harts", 300001, ["-global", "virtio-mmio.force-legacy=false", "-smp", "4"]),
]


def start(loader, arguments):
    ours, theirs = {}, {}
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-display", "none", "-no-reboot",
               "-serial", "stdio", "-kernel", loader, "-device", "virtio-serial-device,max_ports=8"]
    for name in ("stdin", "stdout", "stderr"):
        ours[name], theirs[name] = socket.socketpair()
        command += ["-chardev", f"socket,id={name},fd={theirs[name].fileno()}",
                    "-device", f"virtserialport,chardev={name},name={name}"]
    process = subprocess.Popen(command + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               pass_fds=[s.fileno() for s in theirs.values()])
    for s in theirs.values():
        s.close()
    return process, ours


def drain(source, into):
    while True:
        chunk = source.recv(65536)
        if not chunk:
            return
        into.append(chunk)


def close_after_report(ours, out, err, readers, size):
    """When the report has come, and before it every byte of "stdout", that is closed."""
    while readers[1].is_alive() and (b"\n" not in b"".join(err) or sum(map(len, out)) < size):
        time.sleep(0.02)
    ours["stdout"].shutdown(socket.SHUT_RDWR)


def case(loader, name, size, arguments):
    """The reason for which it failed, or nothing."""
    data = random.Random(size).randbytes(size)
    started = time.monotonic()
    process, ours = start(loader, arguments)
    out, err = [], []
    readers = [threading.Thread(target=drain, args=(ours["stdout"], out)),
               threading.Thread(target=drain, args=(ours["stderr"], err))]
    for reader in readers:
        reader.start()
    ours["stdin"].sendall(data)
    ours["stdin"].shutdown(socket.SHUT_WR)
    threading.Thread(target=close_after_report, args=(ours, out, err, readers, size)).start()
    try:
        console, _ = process.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        console, _ = process.communicate()
        return "time-out:\n" + console.decode(errors="replace")
    for reader in readers:
        reader.join()
    report = b"".join(err).decode(errors="replace")
    print(f"# {name}: {report.strip()}, {time.monotonic() - started:.2f} s")
    if b"".join(out) != data:
        return f"{len(b''.join(out))} bytes came back, or not the same"
    if not report.startswith(f"{size} bytes,"):
        return f"stderr says \"{report}\""
    if process.returncode:
        return "the guest failed:\n" + console.decode(errors="replace")
    return None


def main():
    failed = 0
    for number, (name, size, arguments) in enumerate(CASES, 1):
        reason = case(sys.argv[1], name, size, arguments)
        failed += reason is not None
        print(f"{'not ok' if reason else 'ok'} {number} - {name}" + (f" # {reason}" if reason else ""))
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
