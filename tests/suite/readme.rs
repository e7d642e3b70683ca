//! No test file is forgotten, and every test that tests/README.md names is there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn entries(folder: &str) -> Vec<PathBuf> {
    fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().path()).collect()
}

#[test]
fn every_file_is_in_a_program() {
    for folder in ["tests", "simulator/tests"] {
        let manifest = if folder == "tests" { "Cargo.toml" } else { "simulator/Cargo.toml" };
        let named = read(format!("{folder}/suite/main.rs")) + &read(manifest);
        let mut count = 0;
        for path in entries(folder) {
            let main = if path.is_dir() { path.join("main.rs") } else { path.clone() };
            if main.extension().is_some_and(|e| e == "rs") && main.is_file() {
                let name = main.strip_prefix(root().join(folder)).unwrap().to_str().unwrap();
                assert!(named.contains(&format!("/{name}\"")), "{folder}/{name} is in no [[test]] and no suite");
                count += 1;
            }
        }
        assert!(count > 4, "only {count} files in {folder}");
    }
}

/// The sources of a file of tests by the name of its module.
fn sources(module: &str) -> String {
    let file = |f: String| root().join(&f).is_file().then(|| read(f));
    let one = file(format!("tests/{module}.rs")).or_else(|| file(format!("simulator/tests/{module}.rs")));
    one.unwrap_or_else(|| entries(&format!("tests/{module}")).iter().map(read).collect())
}

#[test]
fn every_test_of_the_table_exists() {
    let readme = read("tests/README.md");
    let steps = read("tests/run.sh");
    let steps = steps.lines().find_map(|l| l.strip_prefix("STEPS=(")).unwrap().trim_end_matches(')').to_owned();
    let mut count = 0;
    for line in readme.lines().filter(|l| l.starts_with("| ") && l.matches('|').count() == 3) {
        let held_by = line.split('|').nth(2).unwrap();
        for name in held_by.split('`').skip(1).step_by(2) {
            if let Some(step) = name.strip_prefix("tests/run.sh ") {
                assert!(steps.split(' ').any(|s| s == step), "no step {step}: {line}");
            } else if let Some((module, test)) = name.split_once("::") {
                let text = sources(module);
                let there = |word: &str| text.lines().any(|l| l.trim_start().starts_with(word));
                // Some are made by a macro from a table of names.
                assert!(there(&format!("fn {test}(")) || there(&format!("{test} \"")), "no test {name}: {line}");
            } else if name.contains('/') {
                assert!(root().join(name).exists(), "no file {name}: {line}");
            } else {
                assert!(sources(name).contains("#[test]"), "no tests {name}: {line}");
            }
            count += 1;
        }
    }
    assert!(count > 50, "only {count} names in tests/README.md");
}
