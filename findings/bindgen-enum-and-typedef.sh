#!/usr/bin/env bash
# bindgen 0.60.1 makes Rust that does not compile from a C header with "enum x" and "typedef int x".
#
# In C the tag of an enum and the name of a type are two worlds, so a header may give a name to both: the enum has the constants, the
# typedef fixes the size at the ABI. It is what cbindgen writes for a Rust enum of a fixed size, so a C header that was made from Rust
# cannot come back. bindgen puts both names into Rust's one world of types: a type is there twice.
# Seen: two definitions of status_t, both of c_int, and rustc's error E0428.
. "$(dirname "$0")/lib.sh"
need rustc
debian bindgen=0.60.1-2+b2 libclang1-14=1:14.0.6-12

cat >header.h <<'EOF'
enum status_t { STATUS_OK = 0, STATUS_BAD = -1 };
typedef int status_t;
status_t run(void);
EOF
export LIBCLANG_PATH=$lib
bindgen header.h >header.rs
types() { grep '^pub type status_t' header.rs | sed 's/::std::os::raw:://'; }
check "definitions" "pub type status_t = c_int;
pub type status_t = c_int;" types
rust() { rustc --crate-type lib -A warnings header.rs 2>log || sed -n 's/^error\[\(E[0-9]*\)\].*/\1/p' log; }
check rustc E0428 rust
