//! Link arguments of the shared library.

/// Not derived from the crate's version: it changes only if a released symbol, value or offset has to go.
const ZEUS_AMD_SOVERSION: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzeus_amd.so.{ZEUS_AMD_SOVERSION}");
    // Rust's thread-locals outlive a dlclose: without this, dlopen, a call, dlclose and a thread's exit crash.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
