# What makes bindings of C headers reads zeus_amd.h as it is: bindgen (Debian's is old), SWIG, cgo, cffi and LuaJIT. Each has the
# sizes that C has, and those that can call do so on a simulated machine. Sourced by run.sh.

structs=$(sed -n 's/^} \(zeus_amd_[a-z_]*_t\);$/\1/p' "$root/include/zeus_amd.h")
{
    cat <<'END'
#include <stdio.h>
#include <zeus_amd.h>
#define SHOW(type) printf(#type " %zu\n", sizeof(type));
int main(void) {
END
    for name in $structs; do echo "SHOW($name)"; done
    echo '}'
} >"$work/sizes.c"
cc -I"$root/include" "$work/sizes.c" -o "$work/sizes" && "$work/sizes" >"$work/sizes.txt" && [ "$(wc -l <"$work/sizes.txt")" -gt 8 ] || exit 1

# An old bindgen does not understand the names that a libclang of today gives to what has none; it takes the newest by itself.
oldest=$(find /usr/lib/llvm-*/lib -maxdepth 1 -name 'libclang[-.]*so*' 2>/dev/null | sort -V | head -n 1)
bindgen_reads() {
    silently env ${oldest:+LIBCLANG_PATH="${oldest%/*}"} bindgen "$root/include/zeus_amd.h" -o "$work/zeus_amd.rs" -- -std=c11 || return 1
    {
        echo '#![allow(warnings)]'
        echo "include!(\"$work/zeus_amd.rs\");"
        echo 'fn main() { unsafe { assert_eq!(zeus_amd_version() >> 24, 0); }'
        for name in $structs; do echo "println!(\"$name {}\", std::mem::size_of::<$name>());"; done
        echo '}'
    } >"$work/bindgen.rs"
    # shellcheck disable=SC2086 # words
    rustc -C "link-args=$link" "$work/bindgen.rs" -o "$work/bindgen" && "$work/bindgen" | diff "$work/sizes.txt" -
}
check "bindgen: $(bindgen --version)" bindgen_reads

# 451: pointers to text in a struct can be set, and who frees the old text is the program's to know.
swig_reads() {
    printf '%%module zeus_amd\n%%{\n#include <zeus_amd.h>\n%%}\n%%include <stdint.i>\n%%include <zeus_amd.h>\n' >"$work/zeus_amd.i"
    silently swig -python -Werror -w451 -I"$root/include" -outdir "$work" -o "$work/zeus_amd_wrap.c" "$work/zeus_amd.i"
}
check "SWIG" swig_reads

# cgo calls a compiler; Go's names are the header's.
cgo_reads() {
    {
        printf 'package main\n\n// #include <zeus_amd.h>\nimport "C"\nimport "fmt"\n\nfunc main() {\n'
        for name in $structs; do echo "    fmt.Println(\"$name\", C.sizeof_$name)"; done
        cat <<'END'
    var session *C.zeus_amd_session_t
    var count C.uint32_t
    if C.zeus_amd_open(nil, &session) != C.ZEUS_AMD_STATUS_OK || C.zeus_amd_gpu_count(session, &count) != 0 || count != 8 {
        panic(count)
    }
    C.zeus_amd_close(session)
}
END
    } >"$work/reader.go"
    (cd "$work" && GOCACHE="$work/go" GOFLAGS=-mod=mod CGO_CFLAGS="-I$root/include" CGO_LDFLAGS="$link" silently go build -o reader reader.go)
}
check "cgo: $(go version)" cgo_reads

# What a C compiler makes of the header, without comments, attributes and the C library's own types.
preprocessed() {
    cc -E -P -DZEUS_AMD_API= -DZEUS_AMD_MUST_CHECK= "$root/include/zeus_amd.h" | sed -n '/^enum$/,$p' >"$work/header.txt"
    grep -q zeus_amd_open "$work/header.txt"
}
preprocessed || exit 1
cat >"$work/reader.lua" <<'END'
local ffi = require("ffi")
local function text(path) local f = assert(io.open(path)); local t = f:read("*a"); f:close(); return t end
ffi.cdef(text(arg[1]))
for name in text(arg[2]):gmatch("(%S+) %d+") do print(name .. " " .. ffi.sizeof(name)) end
local zeus = ffi.load(arg[3])
local session, count = ffi.new("zeus_amd_session_t *[1]"), ffi.new("uint32_t[1]")
assert(zeus.zeus_amd_open(nil, session) == 0)
assert(zeus.zeus_amd_gpu_count(session[0], count) == 0 and count[0] == 8)
zeus.zeus_amd_close(session[0])
END
cat >"$work/reader.py" <<'END'
import cffi, sys
ffi = cffi.FFI()
ffi.cdef(open(sys.argv[1]).read())
for line in open(sys.argv[2]):
    print(line.split()[0], ffi.sizeof(line.split()[0]))
zeus = ffi.dlopen(sys.argv[3])
session, count = ffi.new("zeus_amd_session_t **"), ffi.new("uint32_t *")
assert zeus.zeus_amd_open(ffi.NULL, session) == 0
assert zeus.zeus_amd_gpu_count(session[0], count) == 0 and count[0] == 8
zeus.zeus_amd_close(session[0])
END
make_venv cffi cffi==2.0.0 pycparser==2.23 >/dev/null || exit 1
calls() { # COMMAND...: with the reader's arguments
    "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$@" "$work/header.txt" "$work/sizes.txt" "$ZEUS_AMD_LIBRARY" >"$work/read" &&
        diff "$work/sizes.txt" "$work/read"
}
go_calls() { "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$work/reader" >"$work/read" && diff "$work/sizes.txt" "$work/read"; }
check "cgo on mi300x-8" go_calls
check "LuaJIT on mi300x-8" calls luajit "$work/reader.lua"
check "cffi on mi300x-8" calls "$venv/bin/python" "$work/reader.py"
# Of Node's package manager, where that is.
if command -v npm >/dev/null; then
    node=$target/koffi
    mkdir -p "$node"
    koffi_calls() {
        grep -qs '"version": "3.3.4"' "$node/node_modules/koffi/package.json" || npm --prefix "$node" --silent install koffi@3.3.4 || return
        NODE_PATH="$node/node_modules" calls node "$here/koffi.js"
    }
    check "koffi on mi300x-8" koffi_calls
else
    echo "koffi is not tried: no npm here"
fi
