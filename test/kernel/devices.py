#!/usr/bin/env python3
"""Device trees with one wrong node: the kernel warns once, names the node, and goes on with the rest.

    test/kernel/devices.py LOADER

Trees are QEMU's own, as source, with some text of one node replaced.
"""
import os
import re
import subprocess
import sys
import tempfile

QEMU = ["qemu-system-riscv64", "-m", "64M", "-nographic", "-no-reboot", "-device", "virtio-rng-device"]
RNG, RTC, UART, PLIC = "virtio_mmio@10008000", "rtc@101000", "serial@10000000", "plic@c000000"
APLIC, IMSIC = "aplic@d000000", "imsics@28000000"
REG = r"reg = <[^>]*>;"
IRQ = r"interrupts = <[^>]*>;"
ALL = ("plic", "yes", "yes")
NO_RNG, NO_RTC, NO_PLIC = ("plic", "yes", "no"), ("plic", "no", "yes"), ("none", "yes", "yes")

# Machine, node, what is replaced and by what, what the warning says of the node, what is left.
# What OpenSBI does not let through is left out: it reads the controllers too.
CASES = [
    ("virt", RNG, REG, r"\g<0>", None, ALL),
    ("virt", RNG, REG, r'\g<0> status = "disabled";', None, NO_RNG),
    ("virt", RNG, REG, "", "registers: not found", NO_RNG),
    ("virt", RNG, REG, "reg = <0>;", "registers: not found", NO_RNG),
    ("virt", RNG, REG, "reg = <0 0x10008002 0 0x1000>;", "registers: malformed", NO_RNG),
    ("virt", RNG, REG, "reg = <0 0x10008000 0 0>;", "registers: malformed", NO_RNG),
    ("virt", RNG, REG, "reg = <0 0x10008000 0 0x10>;", "16 bytes of registers are too few", NO_RNG),
    ("virt", RNG, REG, "reg = <0 0x81000000 0 0x1000>;", "registers: address range", NO_RNG),
    ("virt", RNG, REG, "reg = <0 0x10008000 1 0>;", "registers: address range", NO_RNG),
    ("virt", RNG, REG, "reg = <0x7fffff 0 0 0x1000>;", "registers: address range", NO_RNG),
    ("virt", RNG, REG, "reg = <0xffffffff 0xfffff000 0 0x2000>;", "registers: not found", NO_RNG),
    ("virt", RNG, REG, "reg = <0 0x1f000000 0 0x1000>;", "nothing there", NO_RNG),
    ("virt", RNG, IRQ, "interrupts = [01];", "bad interrupt", ALL),
    ("virt", RTC, REG, "reg = <0 0x101000 0 4>;", "4 bytes of registers are too few", NO_RTC),
    ("virt", UART, IRQ, "interrupts = <0>;", "bad interrupt", ALL),
    ("virt", UART, IRQ, "interrupts = <0xffffffff>;", "bad interrupt", ALL),
    ("virt", UART, IRQ, "interrupts = <200>;", "source 200: limit exceeded", ALL),
    ("virt,aia=aplic", UART, IRQ, "interrupts = <10 3>;", "bad interrupt", ("aplic", "yes", "yes")),
    ("virt,aia=aplic", APLIC, REG, "reg = <0 0xd000000 0 0x1000>;", "4096 bytes of registers are too few", NO_PLIC),
    ("virt", PLIC, REG, "reg = <0 0xc000000 0 0x2000>;", "8192 bytes of registers are too few", NO_PLIC),
    ("virt,aia=aplic-imsic", IMSIC, r"(riscv,num-ids =)", r"riscv,group-index-bits = <1>; \1",
     "not usable: feature not supported", NO_PLIC),
]


def source(folder, machine):
    path = os.path.join(folder, "good.dtb")
    subprocess.run(QEMU + ["-machine", f"{machine},dumpdtb={path}"], capture_output=True, check=True)
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", path], capture_output=True, check=True, text=True).stdout


def edit(text, node, old, new):
    start = text.index(node + " {")
    end = text.index("};", start)
    changed, count = re.subn(old, new, text[start:end], count=1)
    assert count == 1
    return text[:start] + changed + text[end:]


def boot(folder, machine, text):
    path = os.path.join(folder, "test.dtb")
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", path], input=text, check=True, text=True)
    command = QEMU + ["-machine", machine, "-bios", "default", "-kernel", sys.argv[1], "-dtb", path]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired as error:
        return "timeout", (error.stdout or b"").decode(errors="replace")
    return done.returncode, done.stdout.decode(errors="replace")


def judge(status, output, node, warning, left):
    """What is wrong, or nothing."""
    found = "# found: interrupts {}, clock {}, virtio-rng {}".format(*left)
    warnings = re.findall(r"\[[^]]* (?:devices|irq)\] (.*)", output)
    if status != 0:
        return f"ended with {status}"
    if found not in output:
        return f"no \"{found}\""
    if warning is None:
        return "a warning" if warnings else None
    if len(warnings) != 1 or warning not in warnings[0] or (node not in warnings[0] and "source" not in warnings[0]):
        return "warnings " + repr(warnings)
    return None


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        texts = {machine: source(folder, machine) for machine in {case[0] for case in CASES}}
        for number, (machine, node, old, new, warning, left) in enumerate(CASES, 1):
            status, output = boot(folder, machine, edit(texts[machine], node, old, new))
            reason = judge(status, output, node, warning, left)
            failed += reason is not None
            if reason:
                print("".join(f"# {line}\n" for line in output.splitlines()[-20:]), end="")
            print(f"{'not ok' if reason else 'ok'} {number} - {machine}, {node}: {new}"
                  + (f" # {reason}" if reason else ""), flush=True)
    print(f"{len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
