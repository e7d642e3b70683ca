"""Puts what $ZEUS_AMD_WHEEL_TREE has into the wheel, and names the platforms that it runs on.

The tree is installed with libraries in its root: libzeus_amd.so.0, manual pages in share/man, and maybe bin/zeus-amd-run and zeus_amd/sim.
Without the variable it is built here: the library and the pages.
"""

import glob
import os
import re
import struct
import subprocess
import tempfile

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MACHINES = {62: "x86_64", 183: "aarch64", 21: "ppc64le"}


def platform(programs):
    """manylinux_2_X of the newest symbol version of glibc that one of them needs."""
    with open(programs[0], "rb") as file:
        machine = MACHINES[struct.unpack("<H", file.read(20)[18:20])[0]]
    symbols = subprocess.run(["objdump", "-T", *programs], check=True, capture_output=True, text=True).stdout
    versions = [(int(a), int(b)) for a, b in re.findall(r"\bGLIBC_(\d+)\.(\d+)", symbols)]
    return "manylinux_{}_{}_{}".format(*max(versions), machine)


def built(root, tree):
    target = os.path.join(root, os.environ.get("CARGO_TARGET_DIR", "target"))
    cargo = ["cargo", "rustc", "--quiet", "--locked", "--release", "--lib", "--crate-type", "cdylib", "--target-dir", target]
    library = [os.path.join(tree, "libzeus_amd.so.0"), os.path.join(target, "release", "libzeus_amd.so")]
    pages = [os.path.join(root, "docs", "man.sh"), os.path.join(tree, "share", "man")]
    try:
        for command in (cargo, ["strip", "--strip-all", "-o", *library], pages):
            subprocess.run(command, check=True, cwd=root)
    except FileNotFoundError as e:
        raise SystemExit(f"zeus_amd: no {e.filename}: the library is built with Rust 1.77 or later (https://rustup.rs) and binutils")
    return tree


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        tree = os.environ.get("ZEUS_AMD_WHEEL_TREE")
        if tree is None:
            self.built = tempfile.TemporaryDirectory()
            tree = built(os.path.dirname(self.root), self.built.name)
        library, run, sim = (os.path.join(tree, *p) for p in (("libzeus_amd.so.0",), ("bin", "zeus-amd-run"), ("zeus_amd", "sim")))
        include = {os.path.realpath(library): "zeus_amd/libzeus_amd.so.0"}
        if os.path.exists(run):
            include[run] = "zeus_amd/bin/zeus-amd-run"
        for path in glob.glob(os.path.join(sim, "**"), recursive=True):
            # Its archive is for linking libraries of one's own: C work, with the other packages.
            if os.path.isfile(path) and not path.endswith(".a"):
                include[path] = os.path.join("zeus_amd/sim", os.path.relpath(path, sim))
        licences = os.path.join(tree, "share", "doc", "zeus_amd", "THIRD-PARTY-LICENCES.txt")
        if os.path.exists(licences):
            include[licences] = "zeus_amd/THIRD-PARTY-LICENCES.txt"
        # man searches beside the bin/ of PATH.
        pages = os.path.join(tree, "share", "man")
        build_data["shared_data"].update({p: os.path.join("share/man", os.path.relpath(p, pages)) for p in glob.glob(os.path.join(pages, "man?", "*"))})
        build_data["force_include"].update(include)
        build_data["pure_python"] = False
        programs = [p for p in include if open(p, "rb").read(4) == b"\x7fELF"]
        build_data["tag"] = f"py3-none-{platform(programs)}"
