//! The version of the library.

use super::panic::catch_panics_or;
use std::ffi::c_char;

/// Major version of this header.
pub const ZEUS_AMD_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const ZEUS_AMD_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const ZEUS_AMD_VERSION_PATCH: u32 = 0;

/// cbindgen needs literals above; Cargo.toml must say the same.
#[allow(clippy::indexing_slicing, dead_code)] // evaluated at build time only; Rust 1.77 sees no use in that
const fn number(text: &str) -> u32 {
    let (bytes, mut i, mut n) = (text.as_bytes(), 0, 0);
    while i < bytes.len() {
        n = n * 10 + (bytes[i] - b'0') as u32;
        i += 1;
    }
    n
}
const _: () = assert!(number(env!("CARGO_PKG_VERSION_MAJOR")) == ZEUS_AMD_VERSION_MAJOR);
const _: () = assert!(number(env!("CARGO_PKG_VERSION_MINOR")) == ZEUS_AMD_VERSION_MINOR);
const _: () = assert!(number(env!("CARGO_PKG_VERSION_PATCH")) == ZEUS_AMD_VERSION_PATCH);

/// The version of the library that runs: major << 16 | minor << 8 | patch.
/// Compare it with ZEUS_AMD_VERSION_NUMBER, the version of the header.
///
/// @return The version number.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_version() -> u32 {
    catch_panics_or(0, || ZEUS_AMD_VERSION_MAJOR << 16 | ZEUS_AMD_VERSION_MINOR << 8 | ZEUS_AMD_VERSION_PATCH)
}

/// The version of the library that runs, as text, such as "0.1.0".
///
/// @return A static string; never NULL, nothing to free.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_version_string() -> *const c_char {
    catch_panics_or(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}
