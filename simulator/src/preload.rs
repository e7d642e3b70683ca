//! The small library that is preloaded into the programs of a machine: it makes moving files at each read, whole, and gives
//! the errors that a plain directory tree cannot show. Its C part (preload.c) stands before open and read.

use std::ffi::{c_char, CStr};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::clock::State;
use crate::machine::{Access, Dri, Machine};
use crate::shown::{Shown, METRICS};
use crate::{library, tree};

/// The files that it looks after, a line each: device, inode, error of opening (0: none), GPU (-1: of none), name.
pub const LIST: &str = "preload.list";

/// Paths below a machine's root with the error that opening them gives.
fn refused(m: &Machine, root: &Path) -> Vec<(i32, PathBuf)> {
    let nodes = root.join("sys/devices/virtual/kfd/kfd/topology/nodes");
    let mut all = Vec::new();
    if m.spec.dri == Dri::Denied {
        all.push((libc::EACCES, root.join("dev/kfd")));
    }
    for p in m.processors() {
        let node = nodes.join(p.node.to_string());
        match m.gpu_of(p).spec.access {
            Access::Hidden => all.extend(["gpu_id", "properties"].map(|f| (libc::EPERM, node.join(f)))),
            Access::NodeDenied => all.push((libc::EACCES, node.join("gpu_id"))),
            _ => {}
        }
        if m.gpu_of(p).spec.access == Access::Denied || m.spec.dri == Dri::Denied {
            all.push((libc::EACCES, root.join(format!("dev/dri/renderD{}", p.render))));
        }
    }
    all
}

/// Writes the list; the tree must stand, with its moving files.
pub fn list(m: &Machine, root: &Path) -> Result<(), String> {
    let mut text = String::new();
    let mut add = |path: &Path, errno: i32, gpu: i64, name: &str| {
        // What is not there needs no error.
        if let Ok(of) = fs::metadata(path) {
            let _ = writeln!(text, "{} {} {errno} {gpu} {name}", of.dev(), of.ino());
        }
    };
    for (errno, path) in refused(m, root) {
        add(&path, errno, -1, "-");
    }
    for g in m.gpus() {
        let mut names: Vec<&str> = g.spec.file.keys().map(String::as_str).collect();
        names.extend([METRICS].into_iter().chain(tree::power_name(g)));
        names.sort_unstable();
        names.dedup();
        for name in names {
            if let Some(path) = tree::named_file(root, g, name) {
                add(&path, 0, g.index as i64, name);
            }
        }
    }
    fs::write(root.join(LIST), text).map_err(|e| format!("{}: {e}", root.display()))
}

/// Puts the library into a machine.
pub fn install(root: &Path, archive: &Path) -> Result<(), String> {
    let built = library::ensure_preload(archive)?;
    fs::copy(&built, library_path(root)).map(|_| ()).map_err(|e| format!("{}: {e}", built.display()))
}

/// Where it is in a machine that has it.
pub fn library_path(root: &Path) -> PathBuf {
    root.join("preload.so")
}

fn machine() -> Option<&'static (Shown, State)> {
    static MACHINE: OnceLock<Option<(Shown, State)>> = OnceLock::new();
    let load = || {
        let root = PathBuf::from(std::env::var_os("ZEUS_AMD_SIM")?);
        let m = Machine::from_json(&fs::read_to_string(root.join("machine.json")).ok()?).ok()?;
        Some((Shown::new(&m), State::open(&root).ok()?))
    };
    MACHINE.get_or_init(load).as_ref()
}

/// The error that opening a file of the list gives now, or 0.
///
/// # Safety
/// `name` is a string.
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_sim_open(gpu: i32, name: *const c_char) -> i32 {
    // SAFETY: see above.
    let name = unsafe { CStr::from_ptr(name) };
    let ask = || {
        let (shown, state) = machine()?;
        Some(shown.open(state, gpu as usize, name.to_str().ok()?))
    };
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten().unwrap_or(0)
}

/// What `zeus_amd_sim_read` returns for what the real file shall answer itself.
const REAL: isize = isize::MIN;

/// Reads a file of the list at an offset: the bytes that fit, or minus an errno.
///
/// # Safety
/// `name` is a string, `buffer` has room for `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_sim_read(
    gpu: i32,
    name: *const c_char,
    buffer: *mut u8,
    size: usize,
    offset: i64,
) -> isize {
    // SAFETY: see above.
    let name = unsafe { CStr::from_ptr(name) };
    let ask = || {
        let (shown, state) = machine()?;
        let mut page = [0; 4096];
        Some(match shown.read(state, gpu as usize, name.to_str().ok()?, &mut page)? {
            Err(errno) => -(errno as isize),
            Ok(n) => {
                let rest = page[..n].get(offset as usize..).unwrap_or_default();
                let n = rest.len().min(size);
                // SAFETY: the caller's buffer has `size` bytes.
                unsafe { std::ptr::copy_nonoverlapping(rest.as_ptr(), buffer, n) };
                n as isize
            }
        })
    };
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten().unwrap_or(REAL)
}
