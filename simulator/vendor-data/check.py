#!/usr/bin/env python3
"""Checks these tables against AMD's own Python packages on PyPI: every struct's size and offsets, every enum's values.

    simulator/vendor-data/check.py [VERSION...]      (default: one of each ROCm minor release; needs pip and the network)

The packages are downloaded, not installed, and their ctypes wrapper is executed with a stub in place of libamd_smi.
"""
import ctypes
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import types
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT = ["6.0.2", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2"]


class Stub:
    """A library that has every function and calls none."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return types.SimpleNamespace()


def wrapper(version, folder):
    """The namespace of amdsmi_wrapper.py of one release."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", folder, f"amdsmi=={version}"],
        check=True,
    )
    [package] = [p for p in pathlib.Path(folder).iterdir() if f"-{version}" in p.name]
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as z:
            source = z.read("amdsmi/amdsmi_wrapper.py")
    else:
        with tarfile.open(package) as t:
            [name] = [n for n in t.getnames() if n.endswith("amdsmi/amdsmi_wrapper.py")]
            source = t.extractfile(name).read()
    os.environ["ROCM_PATH"] = folder
    real, stub = ctypes.CDLL, Stub()
    ctypes.CDLL = lambda *args, **kwargs: stub
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        space = {"__name__": "amdsmi_wrapper", "__file__": str(package)}
        # The wrapper looks for a library file before it loads one.
        exists, pathlib.Path.exists = pathlib.Path.exists, lambda self: True
        is_file, pathlib.Path.is_file = pathlib.Path.is_file, lambda self: True
        try:
            exec(compile(source, str(package), "exec"), space)
        finally:
            pathlib.Path.exists, pathlib.Path.is_file = exists, is_file
        return space
    finally:
        ctypes.CDLL, sys.stdout = real, out


def covers(span, version):
    """Is the version in "6.0.0..6.3.3" or equal to it?"""
    key = lambda v: [int(p) for p in v.split(".")[:3]]
    first, _, last = span.partition("..")
    return key(first) <= key(version) <= key(last or first)


def structs(space, version):
    """Yields (name of a field or struct, what the table has, what AMD's package has)."""
    table = json.loads((HERE / "amdsmi-layouts.json").read_text())["structs"]
    for name, struct in table.items():
        there = space.get(name) or space.get(f"struct_{name}")
        layouts = [l for l in struct["layouts"] if any(covers(s, version) for s in l["python_packages"])]
        if not layouts:
            continue
        [layout] = layouts
        if there is None:
            yield f"{name} size", layout["size"], "none"
            continue
        yield f"{name} size", layout["size"], ctypes.sizeof(there)
        for field in layout["fields"]:
            # Members of nested structs follow their parent, by a dotted name.
            where, at, known = there, 0, True
            for part in field["name"].replace("[0]", "").split("."):
                descriptor = getattr(where, part, None)
                if descriptor is None:
                    known = False
                    break
                at += descriptor.offset
                kinds = [f for c in where.__mro__ if hasattr(c, "_fields_") for f in c._fields_]
                where = next(f[1] for f in kinds if f[0] == part)
                while hasattr(where, "_length_") and hasattr(where, "_type_"):
                    where = where._type_
            # A bit field has no offset of its own.
            if known and field["offset"] is not None:
                yield f"{name}.{field['name']}", field["offset"], at


def enums(space, version):
    table = json.loads((HERE / "amdsmi-enums.json").read_text())["enums"]
    for enum in table.values():
        for member in enum["members"]:
            values = [v["value"] for v in member["values"] if any(covers(s, version) for s in v["python"])]
            if len(values) == 1 and member["name"] in space:
                yield member["name"], values[0], space[member["name"]]


def main(versions):
    wrong = 0
    for version in versions:
        with tempfile.TemporaryDirectory() as folder:
            space = wrapper(version, folder)
        checked = 0
        for what, ours, theirs in [*structs(space, version), *enums(space, version)]:
            checked += 1
            if ours != theirs:
                wrong += 1
                print(f"amdsmi {version}: {what}: {ours} in the table, {theirs} in the package")
        print(f"amdsmi {version}: {checked} values checked")
        wrong += checked < 100
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or DEFAULT))
