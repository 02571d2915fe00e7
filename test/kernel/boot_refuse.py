#!/usr/bin/env python3
"""A damaged image never runs: the loader refuses it in one line that names the fault, exit status 125.

    test/kernel/boot_refuse.py LOADER      LOADER.img is its image; ../loader boots any image

Every byte of the header and of the signature and a sample of the data is flipped, in the initrd and in
the loader's own binary; the image is cut, extended and signed by somebody else; and images that are
signed but make no sense are tried. The same positions and bits are tried in each run.
"""
import concurrent.futures
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HEADER, SIGNATURE = 48, 64
REFUSED = 125
LINE = re.compile(r"^loader: refused: (.*?)\r?$", re.M)
DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
MKIMAGE = os.path.join(DIRECTORY, "host", "mkimage")
BARE = os.path.join(DIRECTORY, "loader")
KEYS = os.environ.get("K23_KEYS") or os.path.expanduser("~/.config/k23")


def boot(kernel, initrd=None):
    command = ["qemu-system-riscv64", "-machine", "virt", "-m", "64M", "-nographic", "-bios", "default",
               "-kernel", kernel] + (["-initrd", initrd] if initrd else [])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(errors="replace")


class Cases:
    """Each case is a name, what its refusal must say ("" for anything, None for a boot) and how to boot."""

    def __init__(self, folder, loader):
        self.folder, self.loader, self.list, self.files = folder, loader, [], 0
        with open(loader + ".img", "rb") as file:
            self.image = file.read()

    def write(self, data):
        self.files += 1
        path = os.path.join(self.folder, f"{self.files}.bin")
        with open(path, "wb") as file:
            file.write(data)
        return path

    def initrd(self, name, data, reason):
        path = self.write(data)
        self.list.append((name, reason, lambda: boot(BARE, path)))

    def embedded(self, name, data, reason):
        with open(self.loader, "rb") as file:
            binary = file.read()
        assert binary.count(self.image) == 1
        path = self.write(binary.replace(self.image, data))
        self.list.append((name, reason, lambda: boot(path)))

    def signed(self, name, content, reason, *options, key=None):
        source = self.write(content)
        out = source + ".img"
        subprocess.run([MKIMAGE, "pack", "--key", key or os.path.join(KEYS, "debug.key"), "--unchecked",
                        *options, source, out], check=True)
        with open(out, "rb") as file:
            signed = file.read()
        self.initrd(name, signed, reason)
        return signed


def flip(data, at, bit):
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


def make(cases, elf):
    image, size = cases.image, len(cases.image)
    draw = random.Random(23)
    cases.initrd("good image as initrd", image, None)
    cases.embedded("good image inside", image, None)
    for at in range(HEADER):
        cases.initrd(f"header byte {at}", flip(image, at, draw.randrange(8)), "image: ")
    for at in range(size - SIGNATURE, size, 5):
        cases.initrd(f"signature byte {at}", flip(image, at, draw.randrange(8)), "image: bad signature")
    for at in [HEADER, size - SIGNATURE - 1] + draw.sample(range(HEADER, size - SIGNATURE), 20):
        cases.initrd(f"data byte {at}", flip(image, at, draw.randrange(8)), "image: bad signature")
    for at in [0, 20, 25, 32, 47] + draw.sample(range(HEADER, size), 8):
        cases.embedded(f"byte {at} inside", flip(image, at, draw.randrange(8)), "image: ")
    for cut in [1, 7, 8, HEADER - 1, HEADER, HEADER + 1, HEADER + SIGNATURE, size // 2, size - SIGNATURE,
                size - 1]:
        cases.initrd(f"cut to {cut} bytes", image[:cut], "image: ")
    for more in [b"\0", b"\0" * 4096, image]:
        cases.initrd(f"{len(more)} bytes too many", image + more, "image: ")
    swapped = image[:HEADER] + image[-SIGNATURE:] + image[HEADER:-SIGNATURE]
    cases.initrd("signature before the data", swapped, "image: bad signature")
    cases.initrd("zeros", bytes(size), "image: bad magic")
    for at, what in [(32, "packed"), (40, "unpacked")]:
        for value in [0, 1 << 31, 1 << 32, (1 << 64) - 1]:
            data = image[:at] + struct.pack("<Q", value) + image[at + 8:]
            cases.initrd(f"{what} size {value:#x}", data, f"image: {what} size {value}")
    make_signed(cases, elf)


def make_signed(cases, elf):
    foreign = os.path.join(cases.folder, "foreign.key")
    subprocess.run([MKIMAGE, "keygen", foreign, foreign + ".pub"], check=True)
    other = cases.signed("another key", elf, "is not trusted", key=foreign)
    cases.initrd("another key under our key's id", other[:24] + cases.image[24:28] + other[28:],
                 "image: bad signature")
    cases.signed("no compression", elf, None, "--compression", "none")
    cases.signed("higher security version", elf, None, "--security-version", "7")
    cases.signed("no ELF", b"hello, world" * 100, "payload: ")
    cases.signed("one byte", b"x", "payload: ")
    cases.signed("bomb", bytes(100 << 20), "memory: no ")
    for name, at, value in [("ELF class", 4, 1), ("ELF machine", 18, 62), ("ELF type", 16, 2),
                            ("program headers", 56, 255), ("writable code", 64 + 56 * 2 + 4, 7),
                            ("segment offset", 64 + 56 * 2 + 14, 255),
                            ("segment address", 64 + 56 * 2 + 22, 255),
                            ("segment size", 64 + 56 * 2 + 46, 255)]:
        cases.signed(name, elf[:at] + bytes([value]) + elf[at + 1:], "payload: ")
    make_elves(cases, elf)
    record = elf.find(struct.pack("<Q", 0x3130474643333231))
    cases.signed("no magic in the record", flip(elf, record, 0), "payload: .loader_config")
    cases.signed("made for another loader", flip(elf, record + 8, 1), "payload: made for")
    for cut in [0x3f, 0x200, len(elf) // 2, len(elf) - 1]:
        cases.signed(f"ELF cut to {cut} bytes", elf[:cut], "payload: ")


def section(elf, name):
    """(address, file offset, size) of a section."""
    table, count, names = struct.unpack_from("<Q", elf, 40)[0], *struct.unpack_from("<HH", elf, 60)
    rows = [struct.unpack_from("<IIQQQQ", elf, table + 64 * i) for i in range(count)]
    for row in rows:
        start = rows[names][4] + row[0]
        if elf[start:elf.index(b"\0", start)] == name:
            return row[3:6]
    return None


def make_elves(cases, elf):
    """Signed by the right key, and still wrong: segments, relocations, wishes."""
    def patched(at, form, *values):
        data = bytearray(elf)
        struct.pack_into(form, data, at, *values)
        return bytes(data)

    count = struct.unpack_from("<H", elf, 56)[0]
    loads = [64 + 56 * i for i in range(count) if struct.unpack_from("<I", elf, 64 + 56 * i)[0] == 1]
    first, second, last = loads[0], loads[1], loads[-1]
    top = (1 << 64) - 1
    for name, at, form, values in [
            ("segments overlap", second + 16, "<Q", [struct.unpack_from("<Q", elf, first + 16)[0]]),
            ("segment wraps", last + 40, "<Q", [top]), ("segment at the top", last + 16, "<Q", [top - 4095]),
            ("offset wraps", last + 8, "<Q", [top - 15]), ("more in the file than in memory", first + 32, "<Q", [1 << 40]),
            ("alignment 3", second + 48, "<Q", [3]), ("writable and executable", second + 4, "<I", [7]),
            ("all of it writable and executable", first + 4, "<I", [7]),
            ("an image of a terabyte", last + 40, "<Q", [1 << 40]),
            ("65535 program headers", 56, "<H", [65535]), ("program headers outside", 32, "<Q", [top - 7]),
            ("section headers outside", 40, "<Q", [top - 63]), ("names in no section", 62, "<H", [9999])]:
        cases.signed(name, patched(at, form, *values), "payload: ")
    config, offset, _ = section(elf, b".loader_config")
    text = section(elf, b".text")[0]
    for name, at, form, value, reason in [
            ("entry in data", 16, "<Q", config, "is not in its code"), ("entry outside", 16, "<Q", top, "payload: "),
            ("entry odd", 16, "<Q", text + 1, "is not in its code"), ("5000 stack pages", 24, "<I", 5000, "5000 stack"),
            ("stack pages without end", 24, "<I", 0xffffffff, "4294967295 stack"),
            ("5000 guard pages", 28, "<I", 5000, "5000 guard"), ("a heap too large", 32, "<I", 1 << 30, "heap pages"),
            ("Sv32", 36, "<I", 2, "2 levels"), ("65 harts", 40, "<I", 65, "65 harts"), ("KASLR 2", 44, "<I", 2, "KASLR 2"),
            ("size of the record", 12, "<I", 8, "payload: made for")]:
        cases.signed(name, patched(offset + at, form, value), reason)
    relr = section(elf, b".relr.dyn")
    for name, value in [("relocation outside", 1 << 40), ("relocation at the top", top - 7),
                        ("relocation of code", text & ~7), ("relocation not aligned", config + 18)]:
        cases.signed(name, patched(relr[1], "<Q", value), "payload: relocation of")


def tool_checks(cases):
    """(name, good) for mkimage itself: the same bytes each time, and no bad image passes verify."""
    def mkimage(*arguments):
        return subprocess.run([MKIMAGE, *arguments], capture_output=True, text=True)

    image, key = cases.write(cases.image), os.path.join(KEYS, "debug")
    damaged = cases.write(flip(cases.image, len(cases.image) // 2, 3))
    again = [os.path.join(cases.folder, name) for name in ("one", "two")]
    for out in again:
        mkimage("pack", "--key", key + ".key", cases.loader + ".elf", out)
    bad, open_key = mkimage("verify", "--key", key + ".pub", damaged), cases.write(b"0" * 64)
    os.chmod(open_key, 0o644)
    loose = mkimage("pack", "--key", open_key, cases.loader + ".elf", again[0] + ".x")
    no_payload = mkimage("pack", "--key", key + ".key", image, again[0] + ".y")
    yield "verify accepts", mkimage("verify", "--key", key + ".pub", image).returncode == 0
    yield "verify refuses", bad.returncode == 1 and bad.stderr.endswith(": bad signature\n")
    yield "the same bytes each time", open(again[0], "rb").read() == open(again[1], "rb").read()
    yield "a key that others can read", loose.returncode == 1 and "0644" in loose.stderr
    yield "no payload is not packed", no_payload.returncode == 1 and "not a payload" in no_payload.stderr
    yield "no arguments", mkimage().returncode == 2


def judge(case):
    name, reason, run = case
    try:
        status, output = run()
    except subprocess.TimeoutExpired:
        return name, "hangs"
    lines = LINE.findall(output)
    entered = "payload: entered" in output
    if reason is None:
        good = status == 0 and entered and not lines
    else:
        good = status == REFUSED and not entered and len(lines) == 1 and reason in lines[0]
    return name, None if good else f"status {status}, refused for {lines}, want {reason!r}"


def main():
    loader, folder, failed = os.path.abspath(sys.argv[1]), tempfile.mkdtemp(), 0
    try:
        cases = Cases(folder, loader)
        packed = os.path.join(folder, "payload.elf")
        subprocess.run(["riscv64-unknown-elf-objcopy", "--strip-debug", loader + ".elf", packed], check=True)
        checks = list(tool_checks(cases))
        with open(packed, "rb") as file:
            make(cases, file.read())
        for name, good in checks:
            failed += not good
            print(f"{'ok' if good else 'not ok'} - {name}")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for name, reason in pool.map(judge, cases.list):
                failed += reason is not None
                print(f"{'not ok' if reason else 'ok'} - {name}" + (f": {reason}" if reason else ""))
    finally:
        shutil.rmtree(folder)
    print(f"{len(cases.list) + len(checks) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
