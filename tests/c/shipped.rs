//! The library as it is shipped: release profile, one crate type a run of cargo.

#![allow(dead_code)]

use super::support::{root, run, Outcome};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Builds one crate type of the library and returns the file and what cargo said.
pub fn build(crate_type: &str, features: &[&str]) -> (PathBuf, Outcome) {
    let ours = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // The plain shared library is built there for all steps of tests/run.sh.
    let plain = features.is_empty() && crate_type == "cdylib";
    let target = if plain { ours.parent().unwrap().to_owned() } else { ours.join("shipped") };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut c = Command::new(cargo);
    c.current_dir(root()).args(["rustc", "--release", "--locked", "--offline", "--lib", "--crate-type", crate_type]);
    c.arg("--target-dir").arg(&target).args(["--features", &features.join(",")]);
    // The host's own wishes for its test build are not the library's.
    for name in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
        c.env_remove(name);
    }
    if crate_type == "staticlib" {
        c.args(["--", "--print", "native-static-libs"]);
    }
    // Cargo may have to wait for another one.
    zeus_amd_sim::start::set_limit(Duration::from_secs(900));
    let outcome = run(&mut c).ok();
    let name = if crate_type == "staticlib" { "libzeus_amd.a" } else { "libzeus_amd.so" };
    let built = target.join("release").join(name);
    assert!(built.is_file(), "{} was not built: {outcome:#?}", built.display());
    // The next build, with other features, replaces the file.
    let kept = ours.join(format!("{}{name}", if features.is_empty() { "plain-" } else { "hooks-" }));
    let unfinished = kept.with_extension(std::process::id().to_string());
    std::fs::copy(&built, &unfinished).unwrap();
    // Programs of other tests may have the last one open.
    std::fs::rename(unfinished, &kept).unwrap();
    (kept, outcome)
}
