# Sourced by run.sh: what is in the installed libraries (T21, T26, T27, T28).
size() { stat -Lc %s "$1"; }

part "the archive's global symbols are the header's functions, and it has no bitcode and no line tables"
diff cmake/exports.txt <(nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort)
if readelf -SW "$archive" | grep -E '\.llvmbc|\.llvmcmd|\.debug_' >&2; then die "sections that should be gone"; fi

part "T7: the native libraries of the package are rustc's"
cargo rustc --locked --lib --crate-type staticlib --target-dir "$target/native" -- --print native-static-libs \
    >"$work/log" 2>&1
named=$(sed -n 's/^note: native-static-libs: //p' "$work/log" | tr ' ' '\n' | grep . | sort -u)
ours=$(pkg-config --libs-only-l zeus_amd-static | tr ' ' '\n' | grep . | sort -u)
private=$(sed -n 's/^Libs.private: //p' "$prefix/lib/pkgconfig/zeus_amd.pc" | tr ' ' '\n' | sort -u)
[ "$named" = "$ours" ] || die "rustc: $named; zeus_amd-static.pc:" $ours
[ "$named" = "$private" ] || die "rustc: $named; zeus_amd.pc:" $private

part "a program without a dynamic loader, where the dlopen of libamd_smi crashes, is not linked"
for driver in gcc clang; do
    for way in -static -static-pie; do
        # shellcheck disable=SC2046 # words
        if $driver $way "$consumer/consumer.c" -o "$work/no" $(pkg-config --cflags --libs zeus_amd-static) 2>"$work/log"; then
            die "$driver $way links"
        fi
        grep -q 'cannot find -lgcc_s' "$work/log" || die "$driver $way: $(cat "$work/log")"
    done
done

part "T21: two Rust archives in one program, in both orders, with three linkers"
quietly rustc --edition 2021 -O --crate-type staticlib -o "$work/libsecond.a" "$consumer/second.rs"
libraries=$(pkg-config --libs-only-l zeus_amd-static)
for linker in bfd gold lld; do
    driver=gcc
    [ $linker != lld ] || driver=clang
    for order in "$archive $work/libsecond.a" "$work/libsecond.a $archive"; do
        # shellcheck disable=SC2086 # words
        quietly $driver -fuse-ld=$linker "$consumer/two_rusts.c" -I"$prefix/include" -o "$work/two" $order $libraries
        quietly in_machine "$work/two"
    done
done

part "T27: ar, nm and ranlib read it with LLVM's plugin in the way"
plugins=$(find /usr/lib/bfd-plugins /usr/lib/*/bfd-plugins -name 'LLVMgold*' 2>/dev/null | head -n 1 || true)
for command in "ar t" "nm -A" "ranlib"; do
    # shellcheck disable=SC2086 # words
    quietly $command "$archive"
done
echo "    plugin: ${plugins:-none is installed}"

part "T26: link-time optimisation took place"
# Without it the shared library was 794 kB instead of 698, the archive 4.3 MB instead of 2.0.
members=$(ar t "$target/$host/release/libzeus_amd.a" | sed 's/[-.].*//' | sort -u)
for crate in std core alloc libloading parking_lot; do
    if printf '%s\n' "$members" | grep -qx "$crate"; then die "$crate is an object of its own in the archive"; fi
done
echo "    shared $(size "$so") bytes, static $(size "$archive") bytes"
[ "$(size "$so")" -lt 1600000 ] || die "the shared library has grown beyond 1.6 MB"
[ "$(size "$archive")" -lt 4000000 ] || die "the static library has grown beyond 4 MB"

part "T28: the oldest glibc that this build runs with"
echo "    glibc $(objdump -T "$so" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | cut -d_ -f2)"

part "debug symbols find their library"
full=$(readlink -f "$so")
[ "$(readelf -n "$full" "$full.debug" | grep 'Build ID' | sort -u | wc -l)" = 1 ]
# All of it is read: a grep that leaves early ends objdump by a signal.
objdump -g "$full.debug" 2>/dev/null | grep -w 'pp_od.rs' >/dev/null
