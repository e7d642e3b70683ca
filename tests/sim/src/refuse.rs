//! Files that may not be opened: which they are, and the small library that says so to the programs of a machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Access, Dri, Machine};

/// Paths below a machine's root with the error that opening them gives.
pub fn refused(m: &Machine, root: &Path) -> Vec<(i32, PathBuf)> {
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

/// Writes the list and compiles the library where a machine needs them; nothing for the others.
pub fn install(m: &Machine, root: &Path) -> Result<(), String> {
    let all = refused(m, root);
    if all.is_empty() {
        return Ok(());
    }
    let fail = |e: io::Error| format!("{}: {e}", root.display());
    // The preloaded code compares resolved paths.
    let real = fs::canonicalize(root).map_err(fail)?;
    let line = |(e, p): &(i32, PathBuf)| format!("{e} {}\n", real.join(p.strip_prefix(root).unwrap_or(p)).display());
    fs::write(root.join("refused"), all.iter().map(line).collect::<String>()).map_err(fail)?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("refuse.c");
    let out = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(library(root))
        .arg(source)
        .arg("-ldl")
        .output()
        .map_err(|e| format!("cc: {e}"))?;
    if out.status.success() {
        Ok(())
    } else {
        Err(format!("refuse.c: {}", String::from_utf8_lossy(&out.stderr)))
    }
}

/// Where it is in a machine that needs it.
pub fn library(root: &Path) -> PathBuf {
    root.join("refuse.so")
}
