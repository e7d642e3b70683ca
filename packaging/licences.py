#!/usr/bin/env python3
"""Prints the licences of every crate that is linked into the library or the simulator, and of Rust's standard library.

usage: licences.py TARGET

Fails where a crate has a licence that is not known to suit a binary under Apache-2.0, or brings no text of it.
"""

import html
import json
import os
import re
import subprocess
import sys

ROOTS = ("zeus_amd", "zeus-amd-sim")
# What asks for no more than its text, which is printed.
SUITABLE = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unicode-3.0", "Unlicense", "0BSD", "BSL-1.0"}
TEXTS = re.compile(r"(?i)^(licen[cs]e|copying|notice|copyright|unlicense)")


def linked(target):
    """The crates that the linker gets: no build scripts, no procedural macros, no tests."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    data = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {p["id"]: p for p in data["packages"]}
    nodes = {n["id"]: n for n in data["resolve"]["nodes"]}
    todo = [i for i, p in packages.items() if p["name"] in ROOTS and p["source"] is None]
    found = {}
    while todo:
        i = todo.pop()
        if i in found or any("proc-macro" in t["kind"] for t in packages[i]["targets"]):
            continue
        found[i] = packages[i]
        todo += [d["pkg"] for d in nodes[i]["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
    return sorted((p for p in found.values() if p["source"]), key=lambda p: (p["name"], p["version"]))


def suits(expression):
    """One of the alternatives of an SPDX expression is suitable as a whole."""
    alternatives = re.split(r"\s+OR\s+|/", expression.replace("(", "").replace(")", ""))
    return any(all(part in SUITABLE for part in re.split(r"\s+AND\s+", a)) for a in alternatives)


def texts(package):
    folder = os.path.dirname(package["manifest_path"])
    names = sorted(n for n in os.listdir(folder) if TEXTS.match(n) and os.path.isfile(os.path.join(folder, n)))
    return [(n, open(os.path.join(folder, n), encoding="utf-8").read().strip()) for n in names]


def standard_library():
    """Rust's own list for its standard library, without its markup; each toolchain of rustup has it."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    for name in ("doc/rust/COPYRIGHT-library.html", "doc/rustc/copyright", "doc/libstd-rust-web-dev/copyright"):
        path = os.path.join(sysroot, "share", name)
        if os.path.exists(path):
            text = open(path, encoding="utf-8").read()
            if name.endswith(".html"):
                text = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"(?s)<(style|head)\b.*?</\1>", "", text)))
            return re.sub(r"\n\s*\n\s*", "\n\n", text).strip()
    return "The Rust standard library: this toolchain came without the list of its licences (MIT, Apache-2.0 and others)."


def main():
    crates = linked(sys.argv[1])
    bad = [f"{p['name']} {p['version']}: {p['license']}" for p in crates if not suits(p["license"] or "")]
    bad += [f"{p['name']} {p['version']}: no text of its licence" for p in crates if not texts(p)]
    if bad:
        sys.exit("licences.py: " + "; ".join(bad))
    print("zeus_amd is licensed under Apache-2.0 (LICENSE). Its files contain code of these packages:\n")
    for p in crates:
        print(f"    {p['name']} {p['version']}    {p['license']}    {p['repository'] or ''}".rstrip())
    print("    the Rust standard library    MIT OR Apache-2.0    https://github.com/rust-lang/rust")
    for p in crates:
        for name, text in texts(p):
            print(f"\n{'=' * 120}\n{p['name']} {p['version']}, {name}\n\n{text}")
    print(f"\n{'=' * 120}\n{standard_library()}")


main()
