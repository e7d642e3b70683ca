"""Holds the prototypes that gfortran makes of the Fortran module (-fc-prototypes) to the header. Prints what differs."""

import re
import sys

import header

HANDLES = {"zeus_amd_session_t", "zeus_amd_window_t", "zeus_amd_node_window_t", "zeus_amd_sampler_t", "zeus_amd_guard_t"}
# gfortran knows sizes, not signs; a name of the module avoids a word of the language.
SIZES = {"uint32_t": "int", "int32_t": "int", "zeus_amd_status_t": "int", "uint64_t": "long", "size_t": "long"}


def normal(type_, stars, name):
    if type_ in HANDLES:
        type_, stars = "void", stars
    if type_.endswith("_fn"):
        type_ = "callback"
    return SIZES.get(type_, type_) + stars, name


wanted = {}
for function, (result, arguments) in header.FUNCTIONS.items():
    result = normal(*result, "")[0].replace("char*", "void*")
    wanted[function] = (result, [normal(t, s, n) for t, s, n, _ in arguments])

found = {}
text = open(sys.argv[1]).read()
for result, function, arguments in re.findall(r"^(\w+ \*?)(zeus_amd_\w+) \((.*)\);$", text, re.MULTILINE):
    some = []
    for argument in filter(None, arguments.replace("int (*callback)()", "callback callback").split(", ")):
        type_, stars, name, _ = header.declared(argument)
        # A handle is a struct that holds the pointer.
        some.append(("void" + "*" + stars, name) if type_ in HANDLES else (type_ + stars, name))
    found[function] = (result.replace(" ", ""), some)

for function in sorted(wanted.keys() | found.keys()):
    if wanted.get(function) != found.get(function):
        print(f"{function}: C {wanted.get(function)}, Fortran {found.get(function)}")
