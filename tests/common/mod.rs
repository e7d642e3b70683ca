//! What the integration tests share.

#![allow(dead_code)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use zeus_amd_sim::Sim;

#[path = "built.rs"]
mod built;
pub use built::built;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All sources of the library.
pub fn rust_sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("src"), &mut found);
    found.sort();
    found
}

/// Where cargo put the test programs: the shared library is there too.
pub fn deps() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// Compiles a C program of `tests/c` against the header and the shared library of this build; its path.
pub fn c_program(name: &str) -> PathBuf {
    link(&mut c99(&root().join(format!("tests/c/{name}.c"))), name)
}

/// What LD_PRELOAD has to be for `tests/c/NAME.c` to come before what the machine preloads.
pub fn preload(name: &str, sim: &Sim) -> OsString {
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu99", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"]);
    cc.arg(root().join(format!("tests/c/{name}.c")));
    let mut preload = built(cc.arg("-ldl"), &format!("{name}.so")).into_os_string();
    let of_machine = sim.env().into_iter().find(|(name, _)| *name == "LD_PRELOAD");
    if let Some((_, Some(path))) = of_machine {
        preload.push(":");
        preload.push(path);
    }
    preload
}

/// Compiles one C file, as a user would.
pub fn compile(source: &Path, out: &Path) {
    std::fs::copy(link(&mut c99(source), "compiled"), out).unwrap();
}

fn c99(source: &Path) -> Command {
    let mut cc = Command::new("cc");
    cc.args(["-std=c99", "-O1", "-g", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-pthread"]);
    cc.arg(source);
    cc
}

/// Lets a compiler that has its flags and sources make a program with the library of this build.
pub fn link(cc: &mut Command, name: &str) -> PathBuf {
    cc.arg("-I").arg(root().join("include"));
    cc.arg(deps().join("libzeus_amd.so")).arg(format!("-Wl,-rpath,{}", deps().display()));
    // An old-style path: the one that cargo puts into the environment of tests must not come before it.
    cc.args(["-Wl,--disable-new-dtags", "-lm"]);
    // The program records the soname, and cargo makes the plain name only.
    let soname = deps().join("libzeus_amd.so.0");
    if !soname.exists() {
        let _ = std::os::unix::fs::symlink("libzeus_amd.so", soname);
    }
    built(cc, name)
}

/// How many lines `stderr_capture.c` printed, one every 10 ms; none of its lines is missing, and no other is there.
pub fn host_lines(stderr: &str) -> usize {
    let lines: Vec<_> = stderr.lines().collect();
    let wanted: Vec<_> = (0..lines.len()).map(|i| format!("host {i}")).collect();
    assert_eq!(lines, wanted);
    wanted.len()
}
