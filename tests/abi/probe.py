#!/usr/bin/env python3
"""A C file that names all that a header declares, for abidiff: probe.py zeus_amd.h [cc...] > probe.c

Each function gets an empty definition and each type a pointer to it; each field's place and size, and each number among
the macros and enumerators, become the size of an array. So whatever the header promises is in the debug information.
"""

import os
import re
import subprocess
import sys


def main():
    header, cc = sys.argv[1], sys.argv[2:] or ["cc"]
    text = subprocess.run([*cc, "-E", "-P", "-x", "c", header], check=True, capture_output=True, text=True).stdout
    with open(header, encoding="utf-8") as file:
        source = file.read()
    # Attributes say nothing about the ABI; glibc's own declarations are no concern here.
    text = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", "", text)

    functions = re.findall(r"^\s*([a-z][^;{}()]*?\b(zeus_amd_\w+)\s*\([^;{}]*\));", text, re.M)
    types = sorted(set(re.findall(r"\b(zeus_amd_\w+_t|zeus_amd_session_t|zeus_amd_\w+_fn)\b", text)))
    numbers = sorted(
        set(re.findall(r"\b(ZEUS_AMD_\w+) *=(?!=)", source))
        | {m for m in re.findall(r"^#define (ZEUS_AMD_\w+) \d+\w*$", source, re.M) if "_VERSION_" not in m}
    )
    fields = [
        (struct, field)
        for body, struct in re.findall(r"typedef struct \w+ \{([^{}]*)\} (\w+);", text)
        for field in re.findall(r"(\w+)(?:\[\d+\])?;", body)
    ]
    if len(functions) < 15 or len(fields) < 40 or len(types) < 10 or len(numbers) < 30:
        sys.exit(f"{header}: only {functions}, {types}, {fields}, {numbers}")

    print(f'#include "{os.path.abspath(header)}"')
    for declaration, name in functions:
        if name not in types:
            print(f"__attribute__((visibility(\"default\"))) {declaration} {{ __builtin_trap(); }}")
    for name in types:
        print(f"{name} *probe_type_{name};")
    # abidiff takes fields that change places for renamed ones, and is lenient where a struct may grow.
    for struct, field in fields:
        print(f"char probe_at_{struct}_{field}[1 + offsetof({struct}, {field})];")
        print(f"char probe_size_{struct}_{field}[sizeof((({struct} *)0)->{field})];")
    # An array has its number in its type; none is below -1000. Two of them, so that high bits need no memory.
    for name in numbers:
        print(f"char probe_low_{name}[1000 + (long long)({name}) % 65536];")
        print(f"char probe_high_{name}[1000 + (long long)({name}) / 65536];")


main()
