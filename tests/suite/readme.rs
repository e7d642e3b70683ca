//! No test file is forgotten; what tests/README.md, README.md and docs/ name is there.

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
    let folder = format!("tests/{module}");
    let parts: String =
        if root().join(&folder).is_dir() { entries(&folder).iter().map(read).collect() } else { String::new() };
    one.unwrap_or_default() + &parts
}

#[test]
fn every_test_of_the_table_exists() {
    let readme = read("tests/README.md");
    let steps = read("tests/run.sh");
    let list = |name: &str| steps.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim_end_matches(')');
    let steps = format!("{} {}", list("STEPS=("), list("LONG=("));
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

/// The paths of `[text](path)` in a page, without those of other sites.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(path, _)| path.split('#').next().unwrap()).filter(|p| !p.is_empty() && !p.contains("://"))
}

#[test]
fn links_of_all_pages_lead_somewhere() {
    let mut count = 0;
    for folder in [".", "docs", "examples-c", "tests", "benches", "findings", "simulator"] {
        for page in entries(folder).into_iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
            for path in links(&read(&page)) {
                assert!(page.parent().unwrap().join(path).exists(), "{}: no {path}", page.display());
                count += 1;
            }
        }
    }
    assert!(count > 5, "only {count} links");
}

/// What each source asks the environment for is in docs/environment.md, and nothing else is.
#[test]
fn every_environment_variable_is_documented() {
    fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                sources(&path, all);
            } else if path.extension().is_some_and(|e| ["rs", "c", "h", "py"].iter().any(|x| e == *x)) {
                all.push(path);
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["src", "tools", "include", "python"] {
        sources(&root().join(folder), &mut files);
    }
    let mut asked = std::collections::BTreeSet::new();
    for text in files.iter().map(read) {
        for call in ["env(\"", "getenv(\"", "environ[\"", "environ.get(\"", "var_os(\""] {
            for rest in text.split(call).skip(1) {
                asked.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    let page = read("docs/environment.md");
    let documented: std::collections::BTreeSet<String> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|w| w.contains('_') && w.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = asked.iter().filter(|a| a.contains('_') && !documented.contains(*a)).collect();
    assert!(missing.is_empty() && asked.len() > 10, "not in docs/environment.md: {missing:?}; asked for: {asked:?}");
}
