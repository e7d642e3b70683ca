//! The examples, built with every warning as an error.

#![allow(dead_code)]

use super::common;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};

const WARNINGS: [&str; 7] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow", "-Wundef"];

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn is(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x))
}

/// The programs in C and C++: an example a file, a tool a folder. Those of MPI are run by tests/mpi, with both MPIs.
pub fn names() -> Vec<String> {
    let mpi = |p: &Path| std::fs::read_to_string(p).is_ok_and(|text| text.contains("#include <mpi.h>"));
    let mut all = entries(&common::root().join("examples-c"));
    all.retain(|p| is(p, &["c", "cpp"]) && !mpi(p));
    all.push(common::root().join("tools/zeus-amd-run"));
    all.iter().map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Builds one, with more flags and files.
pub fn build(name: &str, kind: &str, extra: &[&str]) -> PathBuf {
    let tool = common::root().join("tools").join(name);
    let path = if tool.is_dir() { tool } else { common::root().join("examples-c").join(name) };
    let mut sources = vec![path.with_extension("c"), path.with_extension("cpp")];
    sources.retain(|p| p.exists());
    if path.is_dir() {
        sources = entries(&path);
        sources.retain(|p| is(p, &["c"]));
    }
    let [compiler, standard] = if is(&sources[0], &["c"]) { ["cc", "-std=c99"] } else { ["c++", "-std=c++17"] };
    let mut cc = Command::new(compiler);
    cc.args([standard, "-O1", "-g"]).args(WARNINGS).args(extra);
    common::link(cc.args(&sources), &format!("{name}{kind}"))
}

/// One as its users have it, built once.
pub fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<Mutex<HashMap<String, PathBuf>>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Default::default).lock().unwrap();
    built.entry(name.to_owned()).or_insert_with(|| build(name, "", &[])).clone()
}
