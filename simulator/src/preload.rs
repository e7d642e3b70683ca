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
use crate::machine::{Access, Dri, Machine, Suspended};
use crate::node::NODE;
use crate::preload_state::Shown;
use crate::tree::driver::{self, Driver};
use crate::tree::od;
use crate::{library, tree};

/// The files that it serves, a line each: device, inode, error of opening (0: none), GPU (-1: of none), name (of a render
/// node: the device numbers that it shows).
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
    for p in m.processors() {
        let node = root.join(format!("dev/dri/renderD{}", p.render));
        if m.gpu_of(p).spec.access != Access::Masked {
            let errno =
                if m.gpu_of(p).spec.access == Access::Denied || m.spec.dri == Dri::Denied { libc::EACCES } else { 0 };
            add(&node, errno, -1, &format!("226:{}", p.render));
        }
    }
    for g in m.gpus() {
        let mut names: Vec<String> = g.spec.file.keys().cloned().collect();
        names.extend(tree::asks_hardware(root, g));
        if g.spec.suspended != Suspended::No {
            names.push(tree::RUNTIME_STATUS.to_string());
        }
        names.sort_unstable();
        names.dedup();
        for name in names {
            if let Some(path) = tree::named_file(root, g, &name) {
                add(&path, 0, g.index as i64, &name);
            }
        }
    }
    for (name, path, is_readable) in m.node().files(root) {
        match is_readable {
            true => add(&path, 0, NODE as i64, &name),
            false => add(&path, libc::EACCES, -1, "-"),
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
        let name = name.to_str().ok()?;
        shown.touch(state, gpu as usize, name, false);
        Some(shown.open(state, gpu as usize, name))
    };
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten().unwrap_or(0)
}

/// A program writes to a file of the list: what the write returns (minus an errno), or `REAL` for a plain file.
///
/// # Safety
/// `name` is a string, `buffer` has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_sim_write(gpu: i32, name: *const c_char, buffer: *const u8, size: usize) -> isize {
    // SAFETY: see above.
    let (name, bytes) = unsafe { (CStr::from_ptr(name), std::slice::from_raw_parts(buffer, size)) };
    let ask = || {
        let (shown, state) = machine()?;
        let name = name.to_str().ok()?;
        shown.touch(state, gpu as usize, name, true);
        let errno = shown.write(state, gpu as usize, name);
        if errno != 0 {
            return Some(-(errno as isize));
        }
        let root = PathBuf::from(std::env::var_os("ZEUS_AMD_SIM")?);
        let m = shown.machine();
        let lock = || Driver::lock(m, &root, m.gpus().get(gpu as usize)?);
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        let done = match name {
            od::FILE => lock().map(|d| lines.try_for_each(|l| d.command(l, true)))?,
            od::LEVEL_FILE => lock()?.set_level(text.trim()),
            driver::CAP_FILE => lock()?.set_cap(text.trim()),
            _ => return None,
        };
        Some(done.map_or_else(|errno| -(errno as isize), |()| size as isize))
    };
    catch_unwind(AssertUnwindSafe(ask)).ok().flatten().unwrap_or(REAL)
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
        let name = name.to_str().ok()?;
        shown.touch(state, gpu as usize, name, true);
        Some(match shown.read(state, gpu as usize, name, &mut page)? {
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
