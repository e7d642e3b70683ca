"""What include/zeus_amd.h declares, read as text: for the tests that hold the bindings to it. `header.py c` and
`header.py fortran` print programs that tell the same things of the header and of the module, one a line."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = re.sub(r"/\*.*?\*/|//[^\n]*", "", (ROOT / "include" / "zeus_amd.h").read_text(), flags=re.DOTALL)

_flags = re.findall(r"^#define (ZEUS_AMD_\w+) \d+\s*$", TEXT, re.MULTILINE)
_enums = re.findall(r"^enum zeus_amd_\w+(.*?\n)\};", TEXT, re.DOTALL | re.MULTILINE)
CONSTANTS = _flags + [name for body in _enums for name in re.findall(r"(ZEUS_AMD_\w+) = -?\d+", body)]


def declared(text):
    """`uint64_t *min_mw` or `char name[256]`: its type, stars, name and count."""
    form = r"(?:const )?(?:struct )?(\w+)\s*(\**)\s*(\w+)(?:\[(\d+)\])?"
    return re.fullmatch(form, text.strip()).groups()


STRUCTS = {
    name: [declared(f) for f in body.split(";") if f.strip()]
    for name, body in re.findall(r"typedef struct (zeus_amd_\w+) \{(.*?)\}", TEXT, re.DOTALL)
}
_form = r"ZEUS_AMD_API\s+(?:ZEUS_AMD_MUST_CHECK\s+)?([\w ]+[ *])(zeus_amd_\w+)\(([^()]*)\);"
FUNCTIONS = {
    name: (declared(result + "result")[:2], [declared(a) for a in arguments.split(",") if a.strip() != "void"])
    for result, name, arguments in re.findall(_form, TEXT)
}
# What this file overlooks, it would not hold anybody to.
assert sorted(FUNCTIONS) == (ROOT / "cmake" / "exports.txt").read_text().split()
assert set(re.findall(r"\bZEUS_AMD_\w+_BIT\b|\bZEUS_AMD_STATUS_\w+", TEXT)) <= set(CONSTANTS)
assert len(STRUCTS) == len(re.findall(r"\bZEUS_AMD_\w+_INIT\b", TEXT))


def c_probe():
    yield "#include <stdio.h>\n#include <zeus_amd.h>\nint main(void)\n{"
    for name in CONSTANTS:
        yield f'    printf("const {name} %ld\\n", (long)({name}));'
    for struct, fields in STRUCTS.items():
        short = struct[len("zeus_amd_") : -len("_t")].upper()
        yield f"    {{\n        {struct} v = ZEUS_AMD_{short}_INIT;"
        yield f'        printf("size {struct} %zu %zu\\n", sizeof v, (size_t)v.struct_size);'
        for _, _, name, _ in fields:
            yield f'        printf("field {struct} {name} %zu %zu\\n", offsetof({struct}, {name}), sizeof v.{name});'
        yield "    }"
    yield "    return 0;\n}"


def fortran_probe():
    yield "program probe\n  use, intrinsic :: iso_c_binding\n  use zeus_amd\n  implicit none"
    variables = {struct: f"v{n}" for n, struct in enumerate(STRUCTS)}
    for struct, v in variables.items():
        yield f"  type({struct}), target :: {v}"
    for name in CONSTANTS:
        yield f"  print '(a, i0)', 'const {name} ', &\n    {name}"
    for struct, v in variables.items():
        yield f"  print '(a, i0, 1x, i0)', 'size {struct} ', c_sizeof({v}), {v}%struct_size"
        for _, _, name, _ in STRUCTS[struct]:
            yield f"  print '(a, i0, 1x, i0)', 'field {struct} {name} ', &"
            yield f"    at(c_loc({v}%{name})) - at(c_loc({v})), c_sizeof({v}%{name})"
    yield "contains\n  function at(p) result(address)\n    type(c_ptr), intent(in) :: p"
    yield "    integer(c_intptr_t) :: address\n    address = transfer(p, address)\n  end function at\nend program probe"


if __name__ == "__main__":
    print("\n".join({"c": c_probe, "fortran": fortran_probe}[sys.argv[1]]()))
