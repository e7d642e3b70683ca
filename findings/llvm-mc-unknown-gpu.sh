#!/usr/bin/env bash
# LLVM 14's assembler takes an AMD GPU that it does not know for none in particular, and succeeds.
#
# With -mcpu=gfx942 (MI300, newer than this LLVM) llvm-mc warns, ignores the processor, assembles, and exits with 0. In the object's
# header the machine is 0, none, where gfx90a gives 0x3F; a build that looks at the exit status ships a code object for no GPU.
# Seen: gfx90a: status 0, machine 0x3F in the flags 0x53F. gfx942: two warnings, status 0, flags 0x0.
. "$(dirname "$0")/lib.sh"
need readelf
debian llvm-14=1:14.0.6-12 libllvm14=1:14.0.6-12

printf '.text\n.globl kernel\n.p2align 8\n.type kernel,@function\nkernel:\n  s_endpgm\n' >kernel.s
assemble() { # GPU
    llvm-mc-14 -triple=amdgcn-amd-amdhsa -mcpu="$1" -filetype=obj kernel.s -o "$1.o" 2>"$1.log" || return
    flags=$(readelf -h "$1.o" | sed -n 's/ *Flags: *\(0x[0-9a-fA-F]*\).*/\1/p')
    echo "flags $flags, warned: $(grep -c 'not a recognized processor' "$1.log")"
}
check gfx90a "flags 0x53f, warned: 0" assemble gfx90a
check gfx942 "flags 0x0, warned: 2" assemble gfx942
