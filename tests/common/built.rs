//! C programs, each compiled once for all tests and runs.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is the same for two commands that make the same: their words, or the contents of files. Not those of libraries, which
/// a program finds anew at each start, nor the headers of the system.
fn content(cc: &Command) -> u64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut hash = DefaultHasher::new();
    let headers = ["include", "tests/c", "tools/zeus-amd-run"]
        .map(|f| fs::read_dir(root.join(f)).unwrap().map(|e| e.unwrap().path()));
    let mut headers: Vec<PathBuf> = headers.into_iter().flatten().collect();
    headers.retain(|p| p.extension().is_some_and(|e| e == "h" || e == "hpp"));
    headers.sort();
    let words = cc.get_args().map(PathBuf::from);
    for word in words.chain([root.join("cmake/exports.txt"), cc.get_program().into()]).chain(headers) {
        match word.is_file() && word.extension().is_some_and(|e| e != "so") {
            true => fs::read(word).unwrap().hash(&mut hash),
            false => word.hash(&mut hash),
        }
    }
    hash.finish()
}

/// What the command makes with `-o`: made the first time.
#[track_caller]
pub fn built(cc: &mut Command, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(format!("{:016x}", content(cc)));
    let to = folder.join(name);
    if !to.exists() {
        fs::create_dir_all(&folder).unwrap();
        // Several tests may miss it at once, also threads of one process: it appears whole.
        let thread = std::thread::current().id();
        let unfinished = folder.join(format!("{name}.{}.{thread:?}", std::process::id()));
        let out = cc.arg("-o").arg(&unfinished).output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && said.is_empty(), "{cc:?}: {said}");
        fs::rename(&unfinished, &to).unwrap();
    }
    to
}
