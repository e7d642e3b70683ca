"""Holds python/zeus_amd to the header and to what a C program says of it (the file that is named). Prints what
differs."""

import ctypes
import enum
import re
import sys

import header

sys.path.insert(0, str(header.ROOT / "python"))
import zeus_amd as ours
from zeus_amd import _library, _structs


def camel(name):
    """SessionInfo for zeus_amd_session_info_t."""
    return "".join(word.capitalize() for word in name[len("zeus_amd_") : -len("_t")].split("_"))


# In this order: the first that fits.
ENUMS = {
    "STATUS_": ours.Status,
    "BACKEND_": ours.Backend,
    "VALIDATION_": ours.Validation,
    "ENERGY_RESOLUTION_": ours.EnergyResolution,
    "COUNTER_STATE_": ours.CounterState,
    "DIE_": ours.Die,
    "METHOD_": ours.Method,
    "LOG_": ours.Log,
    **{
        f"{name[len('zeus_amd_') : -len('_t')].upper()}_{kind.upper()}_": getattr(ours, camel(name) + kind)
        for name in header.STRUCTS
        if not name.endswith("options_t")
        for kind in ("Valid", "Flag")
    },
    "NODE_DOMAIN_": ours.NodeDomainKind,
    "NODE_SOURCE_": ours.NodeSource,
    "NODE_SCOPE_": ours.NodeScope,
    "GUARD_": ours.GuardFlag,
    "OPEN_": ours.Open,
}


def struct(name):
    return getattr(_structs, camel(name), None) or getattr(_structs, "_" + camel(name))


c = open(sys.argv[1]).read()
constants = {}
for name, value in re.findall(r"^const ZEUS_AMD_(\w+) (-?\d+)$", c, re.MULTILINE):
    if name.startswith("VERSION_"):
        continue
    prefix = next(p for p in ENUMS if name.startswith(p))
    constants[ENUMS[prefix], re.sub("_BIT$", "", name[len(prefix) :])] = int(value)
python = {(kind, name): member.value for kind in ENUMS.values() for name, member in kind.__members__.items()}
for key in sorted(constants.keys() | python.keys(), key=str):
    if constants.get(key) != python.get(key):
        print(key, "C", constants.get(key), "Python", python.get(key))
for name, kind in vars(ours).items():
    if isinstance(kind, type) and issubclass(kind, enum.Enum) and kind.__module__.startswith("zeus_amd.") and kind not in ENUMS.values():
        print(name, "is held to nothing")

lines = []
for name, fields in header.STRUCTS.items():
    kind = struct(name)
    # Some fields are covered by properties; the same fields without:
    plain = type(name, (ctypes.Structure,), {"_fields_": kind._fields_})
    lines.append(f"size {name} {ctypes.sizeof(kind)} {kind().struct_size}")
    for field, *_ in kind._fields_:
        lines.append(f"field {name} {field} {getattr(plain, field).offset} {getattr(plain, field).size}")
    # Of the same size, but a number is not a text.
    for (type_, stars, field, _), (_, of) in zip(fields, kind._fields_):
        text = type_ == "char"
        if text != (of is ctypes.c_char_p or hasattr(of, "_length_")) or (type_ == "double") != (of is ctypes.c_double):
            print(name, field, type_, stars, of)
        type_ = {"zeus_amd_status_t": "int32_t"}.get(type_, "uint32_t" if type_.startswith("zeus_amd_") else type_)
        if type_ == "int32_t" and of is not ctypes.c_int32 or type_ == "uint32_t" and of is not ctypes.c_uint32:
            print(name, field, type_, of)
in_c = [line for line in c.splitlines() if not line.startswith("const ")]
for line in sorted(set(lines) ^ set(in_c)):
    print("C     " if line in in_c else "Python", line)

TYPES = {
    "void": None,
    "char": ctypes.c_char,
    "double": ctypes.c_double,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "zeus_amd_status_t": ctypes.c_int32,
    "zeus_amd_log_fn": _library._LogFn,
    **{name: struct(name) for name in header.STRUCTS},
}


def wanted(type_, stars):
    if type_ == "char" and stars == "*":
        return ctypes.c_char_p
    # What is declared and not defined is a handle; so is a user's pointer.
    result = TYPES.get(type_)
    for _ in stars:
        result = ctypes.POINTER(result) if result else ctypes.c_void_p
    return result


for name in sorted(set(header.FUNCTIONS) | {"zeus_amd_" + n for n in _library._FUNCTIONS}):
    found = _library._FUNCTIONS.get(name[len("zeus_amd_") :])
    if name in header.FUNCTIONS:
        result, arguments = header.FUNCTIONS[name]
        expected = (wanted(*result), *(wanted(t, s) for t, s, _, _ in arguments))
    else:
        expected = None
    if expected != found:
        print(name, "C", expected, "Python", found)

# Each function of a session is a method, under its name.
source = "".join(path.read_text() for path in (header.ROOT / "python" / "zeus_amd").glob("*.py"))
for name in header.FUNCTIONS:
    short = name[len("zeus_amd_") :]
    if f"zeus_amd_{short}" not in source.replace('"zeus_amd_" + name', "") and f'"{short}", ' not in source:
        if not re.search(rf'_(?:get|call|get_two|ask)\("{short}"', source):
            print(name, "is never called")
if ours.__version__ != re.search(r'^version = "(.*)"', (header.ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]:
    print("version", ours.__version__)
