#!/usr/bin/env python3
"""valgrind.py LOG: fails on what the job's or the profiler's code, or the library, lost or did wrong itself: the first
frame of a complaint outside of valgrind and the C library is theirs."""
import re
import sys

SYSTEM = re.compile(r"vgpreload|\((\w+)\.[cS]:\d+\)|in /(usr/)?lib/x86_64-linux-gnu/(libc|ld-linux)|^\?\?\?$")
OURS = re.compile(r"libzeus_amd(_pmpi)?\.so|\(in \S*/(job|ends)\)")

with open(sys.argv[1], encoding="utf-8") as log:
    lines = [re.sub(r"^==\d+== ?", "", line.rstrip()) for line in log if line.startswith("==")]
assert any("ERROR SUMMARY" in line for line in lines), "valgrind did not finish"
bad = []
for complaint in "\n".join(lines).split("\n\n"):
    frames = re.findall(r"^ +(?:at|by) 0x[0-9A-F]+: (.*)$", complaint, re.M)
    first = next((f for f in frames if not SYSTEM.search(f)), "")
    if OURS.search(first):
        bad.append(complaint)
print("\n\n".join(bad), end="")
sys.exit(bool(bad))
