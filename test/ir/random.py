#!/usr/bin/env python3
"""Random modules with what they should give, in the layout of the official suite.

    test/ir/random.py FOLDER SEED...

For each seed FOLDER/sSEED gets a module of eight functions and commands.json. What they give is asked
of wasm-interp (wabt), which shares nothing with k23. Functions are made of nested blocks, ifs, loops that
count down, branches, br_tables, calls, arithmetic at its edges, and accesses close to each other; each
ends in a hash of all its locals, so that a wrong value anywhere shows. Every function ends, and no NaN's
bits are looked at.
"""
import json
import pathlib
import random
import re
import struct
import subprocess
import sys

I32, I64, F64 = "i32", "i64", "f64"
CODE = {I32: b"\x7f", I64: b"\x7e", F64: b"\x7c"}
VALUES = 11    # locals that hold values: 5 i32 (the last a pointer), 4 i64, 2 f64; then the counters
COUNTERS = 10
GET, SET, END, VOID = b"\x20", b"\x21", b"\x0b", b"\x40"
LOADS = {I32: [0x28, 0x2c, 0x2d, 0x2e, 0x2f], I64: [0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35], F64: [0x2b]}
STORES = {I32: [0x36, 0x3a, 0x3b], I64: [0x37, 0x3c, 0x3d, 0x3e], F64: [0x39]}
EDGES = [0, 1, -1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 33, 48, 63, 64, 255, 256, 4095, 65535, 2**31 - 1, -2**31]
DIVISORS = [1, 2, 3, 4, 7, 8, 10, 16, -3, -8, 1024, 2**30]


def leb(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def sleb(n):
    out = bytearray()
    while not -64 <= n < 64:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n & 0x7f])


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def i32(n):
    return b"\x41" + sleb(n)


class Function:
    """One function's body, written from the top down."""

    def __init__(self, rng, params, result, callees):
        self.rng, self.params, self.result, self.callees = rng, params, result, callees
        self.types = params + [I32] * 5 + [I64] * 4 + [F64] * 2
        self.locals = {t: [k for k, u in enumerate(self.types) if u == t] for t in CODE}
        self.pointer = len(params) + 4
        self.settable = {t: [k for k in ks if k != self.pointer] for t, ks in self.locals.items()}
        self.counters = list(range(len(self.types), len(self.types) + COUNTERS))

    def op(self, *codes):
        return bytes([self.rng.choice(codes)])

    def constant(self, t):
        n = self.rng.choice(EDGES + [self.rng.randrange(-2**31, 2**31)])
        if t == I32:
            return i32(n)
        if t == I64:
            return b"\x42" + sleb(self.rng.choice([n, 2**32 - 1, 2**32, self.rng.randrange(-2**63, 2**63)]))
        return b"\x44" + struct.pack("<d", self.rng.choice([0.0, -0.0, 1.0, -1.5, 3.25, 1e-5, float(n)]))

    def address(self, depth):
        base = GET + leb(self.pointer)
        if self.rng.random() < .5:
            base = self.value(I32, depth - 1) + i32(0x7fff) + b"\x71"
        if self.rng.random() < .5:
            base += i32(self.rng.choice([1, 2, 4, 8, 12, 16, 20, 24, 40, 100, 2000, 3000])) + b"\x6a"
        return base

    def offset(self):
        return b"\x00" + leb(self.rng.choice([0, 0, 0, 1, 2, 4, 8, 16, 60, 1000, 4000]))

    def value(self, t, depth):
        if depth <= 0 or self.rng.random() < .15:
            if self.rng.random() < .3:
                return self.constant(t)
            return GET + leb(self.rng.choice(self.locals[t]))

        def sub(u):
            return self.value(u, depth - 1)

        x = self.rng.random()
        if x < .06:
            return sub(t) + sub(t) + sub(I32) + b"\x1b"
        if x < .12:
            return self.address(depth) + self.op(*LOADS[t]) + self.offset()
        if x < .15 and t == I32:
            return b"\x23\x00"
        if x < .17 and self.callees:
            k = self.rng.randrange(len(self.callees))
            params, result = self.callees[k]
            if result == t:
                return b"".join(sub(u) for u in params) + b"\x10" + leb(k)
        if x < .22:
            return sub(I32) + b"\x04" + CODE[t] + sub(t) + b"\x05" + sub(t) + END
        if x < .25:
            return b"\x02" + CODE[t] + sub(t) + sub(I32) + b"\x0d\x00\x1a" + sub(t) + END
        return {I32: self.value_i32, I64: self.value_i64, F64: self.value_f64}[t](sub)

    def value_i32(self, sub):
        x = self.rng.random()
        if x < .12:
            return sub(I32) + sub(I32) + self.op(*range(0x46, 0x50))
        if x < .2:
            return sub(I64) + sub(I64) + self.op(*range(0x51, 0x5b))
        if x < .25:
            return sub(F64) + sub(F64) + self.op(*range(0x61, 0x67))
        if x < .36:
            return sub(I32) + b"\x45" if x < .32 else sub(I64) + b"\x50"
        if x < .42:
            return sub(I64) + b"\xa7"
        if x < .46:
            return sub(I32) + self.op(0x67, 0x68, 0x69, 0xc0, 0xc1)
        if x < .48:
            return sub(F64) + b"\xfc" + self.op(2, 3)
        if x < .52:
            return sub(I32) + i32(self.rng.choice(DIVISORS)) + self.op(*range(0x6d, 0x71))
        if x < .56:  # neither zero nor an overflow
            return sub(I32) + i32(1) + b"\x76" + sub(I32) + i32(1) + b"\x72" + self.op(*range(0x6d, 0x71))
        return sub(I32) + sub(I32) + self.op(0x6a, 0x6a, 0x6b, 0x6c, 0x71, 0x72, *range(0x73, 0x79))

    def value_i64(self, sub):
        x = self.rng.random()
        if x < .2:
            return sub(I32) + self.op(0xac, 0xad)
        if x < .26:
            return sub(I64) + self.op(0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4)
        if x < .28:
            return sub(F64) + b"\xfc" + self.op(6, 7)
        if x < .36:
            return sub(I64) + b"\x42" + sleb(self.rng.choice(DIVISORS)) + self.op(*range(0x7f, 0x83))
        return sub(I64) + sub(I64) + self.op(0x7c, 0x7d, 0x7e, *range(0x83, 0x8b))

    def value_f64(self, sub):
        x = self.rng.random()
        if x < .3:
            return sub(I32) + self.op(0xb7, 0xb8) if x < .2 else sub(I64) + self.op(0xb9, 0xba)
        if x < .4:
            return sub(F64) + self.op(*range(0x99, 0x9f))
        return sub(F64) + sub(F64) + self.op(0xa0, 0xa1, 0xa2, 0xa4, 0xa5)

    def statement(self, depth, labels):
        x = self.rng.random()
        t = self.rng.choice([I32, I32, I32, I64, I64, F64])
        if depth <= 0 or x < .4:
            return self.value(t, 3) + SET + leb(self.rng.choice(self.settable[t]))
        if x < .5:
            return self.address(2) + self.value(t, 2) + self.op(*STORES[t]) + self.offset()
        if x < .53:
            return self.value(I32, 2) + b"\x24\x00"
        if x < .65:
            arm = b"\x05" + self.statements(depth - 1, labels + 1) if x < .59 else b""
            return self.value(I32, 2) + b"\x04" + VOID + self.statements(depth - 1, labels + 1) + arm + END
        if x < .75:
            return b"\x02" + VOID + self.statements(depth - 1, labels + 1) + END
        if x < .86 and self.counters:
            return self.loop(depth, labels)
        if x < .93:
            return self.value(I32, 2) + b"\x0d" + leb(self.rng.randrange(labels))
        if x < .97:
            targets = [self.rng.randrange(labels + 1) for _ in range(self.rng.randrange(1, 6))]
            return (b"\x02" + VOID + self.value(I32, 2) + i32(7) + b"\x71\x0e" + leb(len(targets) - 1) +
                    b"".join(map(leb, targets)) + END)
        return self.value(I32, 1) + b"\x04" + VOID + b"\x0c" + leb(1 + self.rng.randrange(labels)) + END

    def loop(self, depth, labels):
        """Its counter is looked at and lowered first, so that going on from anywhere ends."""
        counter = leb(self.counters.pop())
        start = i32(self.rng.choice([1, 2, 3, 5, 7])) + SET + counter
        check = GET + counter + b"\x45\x0d\x01" + GET + counter + i32(1) + b"\x6b" + SET + counter
        again = self.rng.choice([b"", b"\x0c\x00", self.value(I32, 2) + b"\x0d\x00"])
        return (start + b"\x02" + VOID + b"\x03" + VOID + check + self.statements(depth - 1, labels + 2) +
                again + END + END)

    def statements(self, depth, labels):
        return b"".join(self.statement(depth, labels) for _ in range(self.rng.randrange(1, 5)))

    def body(self):
        code = i32(self.rng.choice([64, 1024, 4096, 16384])) + SET + leb(self.pointer)
        code += b"\x02" + VOID + self.statements(4, 1) + END + b"\x42\x00"
        for k, t in enumerate(self.types):
            code += GET + leb(k) + {I32: b"\xad", I64: b"", F64: b"\xfc\x06"}[t]
            code += b"\x85\x42" + sleb(1000003) + b"\x7e"
        if self.result == I32:
            code += b"\xa7"
        groups = [(5, I32), (4, I64), (2, F64), (COUNTERS, I32)]
        return leb(len(groups)) + b"".join(leb(n) + CODE[t] for n, t in groups) + code + END


def make_module(seed):
    """Bytes of a module, and the signatures of its functions; those without parameters are exported."""
    rng = random.Random(seed)
    signatures, bodies = [], []
    for k in range(8):
        params = [rng.choice([I32, I64, F64]) for _ in range(rng.randrange(4))] if k % 2 == 0 else []
        signature = (params, rng.choice([I32, I64]))
        bodies.append(Function(rng, *signature, list(signatures)).body())
        signatures.append(signature)
    count = leb(len(signatures))
    types = b"".join(b"\x60" + leb(len(p)) + b"".join(map(CODE.get, p)) + b"\x01" + CODE[r] for p, r in signatures)
    exports = [(b"f%d" % k, k) for k, (p, _) in enumerate(signatures) if not p]
    data = rng.randbytes(3000)
    return (b"\0asm\1\0\0\0" + section(1, count + types) + section(3, count + bytes(range(8))) +
            section(5, b"\x01\x00\x01") + section(6, b"\x01\x7f\x01\x41\x2a\x0b") +
            section(7, leb(len(exports)) + b"".join(leb(len(n)) + n + b"\x00" + leb(k) for n, k in exports)) +
            section(10, count + b"".join(leb(len(b)) + b for b in bodies)) +
            section(11, b"\x01\x00\x41\x20\x0b" + leb(len(data)) + data)), signatures


def write_case(folder, seed):
    folder.mkdir(parents=True, exist_ok=True)
    module, _ = make_module(seed)
    (folder / "0.wasm").write_bytes(module)
    done = subprocess.run(["wasm-interp", folder / "0.wasm", "--run-all-exports"], capture_output=True,
                          text=True, timeout=120)
    commands = [{"type": "module", "line": 1, "filename": "0.wasm", "module_type": "binary"}]
    for name, outcome in re.findall(r"^(f\d+)\(\) => (.*)$", done.stdout, re.M):
        action = {"type": "invoke", "field": name, "args": []}
        command = {"line": int(name[1:]) + 2, "action": action}
        if outcome.startswith("error: "):
            command |= {"type": "assert_trap", "text": outcome[7:], "expected": []}
        else:
            kind, bits = outcome.split(":")
            command |= {"type": "assert_return", "expected": [{"type": kind, "value": bits}]}
        commands.append(command)
    if len(commands) == 1:
        sys.exit(f"seed {seed}: wasm-interp says {done.stdout}{done.stderr}")
    (folder / "commands.json").write_text(
        json.dumps({"source_filename": f"{folder.name}.wast", "commands": commands}))


def main():
    top = pathlib.Path(sys.argv[1])
    for seed in sys.argv[2:]:
        write_case(top / f"s{seed}", int(seed))


if __name__ == "__main__":
    main()
