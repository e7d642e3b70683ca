"""Puts the library that $ZEUS_AMD_WHEEL_LIBRARY names into the wheel, and names the platforms that it runs on."""

import os
import re
import struct
import subprocess

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MACHINES = {62: "x86_64", 183: "aarch64", 21: "ppc64le"}


def platform(library):
    """manylinux_2_X of the newest symbol version of glibc that it needs."""
    with open(library, "rb") as file:
        machine = MACHINES[struct.unpack("<H", file.read(20)[18:20])[0]]
    symbols = subprocess.run(["objdump", "-T", library], check=True, capture_output=True, text=True).stdout
    versions = [(int(a), int(b)) for a, b in re.findall(r"\bGLIBC_(\d+)\.(\d+)", symbols)]
    return "manylinux_{}_{}_{}".format(*max(versions), machine)


class CustomBuildHook(BuildHookInterface):
    def initialize(self, version, build_data):
        library = os.environ["ZEUS_AMD_WHEEL_LIBRARY"]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform(library)}"
        build_data["force_include"][library] = "zeus_amd/libzeus_amd.so.0"
