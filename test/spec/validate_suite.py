#!/usr/bin/env python3
"""The official suite against the validator alone, on this machine.

    test/spec/validate_suite.py [--all-features] WASMC DIR...

Each DIR holds the suite in its converted layout (NAME/commands.json beside NAME/N.wasm). A module
that a command instantiates must validate, one of assert_invalid and of binary assert_malformed must be
refused. A module that needs a feature which is not enabled counts as skipped, by the feature's name.
The last line is the sum.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

REFUSED = {"assert_invalid", "assert_malformed"}
VALID = {"module", "module_definition", "assert_unlinkable", "assert_uninstantiable"}
BATCH = 400


def modules(top):
    """(path of the module, whether it must validate, what the suite calls its fault)"""
    for commands in sorted(pathlib.Path(top).rglob("commands.json")):
        for command in json.loads(commands.read_text())["commands"]:
            if command.get("module_type") != "binary" or "filename" not in command:
                continue
            kind = command["type"]
            if kind in VALID or kind in REFUSED:
                path = commands.parent / command["filename"]
                yield str(path), kind in VALID, command.get("text", "")


def verdicts(wasmc, options, paths):
    """path -> what wasmc says after its name"""
    said = {}
    for i in range(0, len(paths), BATCH):
        run = subprocess.run([wasmc, "validate", *options, *paths[i:i + BATCH]], text=True,
                             stdout=subprocess.PIPE, errors="replace")
        if run.returncode not in (0, 1):
            print(f"# {wasmc} ended with status {run.returncode}")
        said.update(line.split(": ", 1) for line in run.stdout.splitlines() if ": " in line)
    return said


def judge(said, is_valid):
    """"passed", "failed" or the name of the missing feature"""
    unsupported = re.match(r"feature not supported: unsupported feature: ([^:]+):", said)
    if unsupported:
        return unsupported.group(1)
    if said == "":
        return "failed"
    return "passed" if (said == "ok") == is_valid else "failed"


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    wasmc, *tops = [a for a in sys.argv[1:] if not a.startswith("--")]
    wanted = [m for top in tops for m in modules(top)]
    said = verdicts(wasmc, options, [path for path, _, _ in wanted])
    counts = collections.Counter()
    for path, is_valid, text in wanted:
        result = judge(said.get(path, ""), is_valid)
        counts[result] += 1
        if result == "failed":
            print(f"not ok - {path}: {said.get(path, 'no answer')} (suite: {text or 'valid'})")
    missing = {k: n for k, n in counts.items() if k not in ("passed", "failed")}
    for feature, count in sorted(missing.items()):
        print(f"# skipped {count}: needs {feature}")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {sum(missing.values())} skipped")
    return 1 if counts["failed"] or not counts["passed"] else 0


sys.exit(main())
