"""The library through ctypes, for tests: a value, or `Failure` with the status and the words. Types, numbers and functions
are those of the header."""

import ctypes
import enum
import os
import pathlib
import re

HEADER = re.sub(
    r"/\*.*?\*/|//[^\n]*|^#.*?[^\\]$",
    "",
    (pathlib.Path(__file__).resolve().parents[2] / "include" / "zeus_amd.h").read_text(),
    flags=re.DOTALL | re.MULTILINE,
)
TYPES = {
    "char": ctypes.c_char,
    "double": ctypes.c_double,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "zeus_amd_status_t": ctypes.c_int32,
}


def declared(text):
    """`uint64_t *min_mw` or `char name[256]`: its name and its type."""
    form = r"(?:const )?(?:struct )?(\w+)\s*(\**)\s*(\w+)(?:\[(\d+)\])?"
    base, stars, name, count = re.fullmatch(form, text.strip()).groups()
    if base == "char" and stars == "*":
        return name, ctypes.c_char_p
    type_ = TYPES.get(base, ctypes.c_void_p if base.endswith("_fn") else None)
    for _ in stars:
        type_ = ctypes.POINTER(type_) if type_ else ctypes.c_void_p
    return name, type_ * int(count) if count else type_


def numbers(name, prefix, kind=enum.IntEnum):
    body = re.search(rf"^enum {name}\b.*?\{{(.*?)\}};", HEADER, re.DOTALL | re.MULTILINE).group(1)
    return kind(name, {k: int(v) for k, v in re.findall(rf"ZEUS_AMD_{prefix}_(\w+) = (-?\d+)", body)})


for _name, _body in re.findall(r"typedef struct (zeus_amd_\w+) \{(.*?)\}", HEADER, re.DOTALL):
    _fields = [declared(f) for f in _body.split(";") if f.strip()]
    TYPES[_name] = type(_name, (ctypes.Structure,), {"_fields_": _fields})

# Not an IntEnum: -4 °C is not NOT_SUPPORTED.
Status = numbers("zeus_amd_status_t", "STATUS", enum.Enum)
Verdict = numbers("zeus_amd_verdict_t", "VERDICT")
Validation = numbers("zeus_amd_validation_t", "VALIDATION")
Options = TYPES["zeus_amd_options_t"]
ENSURE_HOMOGENEOUS = 1  # ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT

# The test's own variable; the library itself looks at no such thing.
lib = ctypes.CDLL(os.environ["LIBZEUS_AMD"])
# The readings of a GPU: what their results are. And its setters: how many values they take.
READINGS = {}
SETTERS = {}
_form = r"ZEUS_AMD_API\s+(?:ZEUS_AMD_MUST_CHECK\s+)?([\w ]+[ *])(zeus_amd_\w+)\(([^()]*)\);"
for _result, _name, _arguments in re.findall(_form, HEADER):
    _function = getattr(lib, _name)
    _parameters = [declared(a) for a in _arguments.split(",") if a.strip() != "void"]
    _function.argtypes = [t for _, t in _parameters]
    _function.restype = None if _result == "void " else declared(_result + "result")[1]
    if [n for n, _ in _parameters[:2]] == ["session", "gpu"]:
        _short, _rest = _name[len("zeus_amd_") :], [t for _, t in _parameters[2:]]
        # A pointer's _type_ is the type it points to, a number's is a letter.
        if _rest and all(isinstance(t._type_, type) for t in _rest):
            READINGS[_short] = [t._type_ for t in _rest]
        else:
            SETTERS[_short] = len(_rest)


class Failure(Exception):
    def __init__(self, status):
        text = ctypes.create_string_buffer(2048)
        lib.zeus_amd_last_error(text, len(text))
        self.status, self.text = Status(status), text.value.decode()
        super().__init__(f"{self.status.name}: {self.text}")


def check(status):
    if Status(status) != Status.OK:
        raise Failure(status)


class Session:
    """`session.energy_mj(0)` and so on: one result is itself, several are a tuple."""

    def __init__(self, **options):
        self._z = ctypes.c_void_p()
        check(lib.zeus_amd_open(Options(struct_size=ctypes.sizeof(Options), **options), self._z))

    def close(self):
        lib.zeus_amd_close(self._z)
        self._z = ctypes.c_void_p()

    def __len__(self):
        count = ctypes.c_uint32()
        check(lib.zeus_amd_gpu_count(self._z, count))
        return count.value

    def __getattr__(self, name):
        if name in SETTERS:
            return lambda gpu, *values: check(getattr(lib, "zeus_amd_" + name)(self._z, gpu, *values))
        if name not in READINGS:
            raise AttributeError(name)

        def read(gpu):
            results = [t() for t in READINGS[name]]
            for r in results:
                if isinstance(r, ctypes.Structure):
                    r.struct_size = ctypes.sizeof(r)
            check(getattr(lib, "zeus_amd_" + name)(self._z, gpu, *results))
            values = tuple(r if isinstance(r, ctypes.Structure) else r.value for r in results)
            return values[0] if len(values) == 1 else values

        return read
