//! The committed header equals what cbindgen makes of the sources now.
//! `ZEUS_AMD_BLESS=1 cargo test --test header` writes it instead.

mod common;

use common::root;
use std::fs;

/// The sources of the header, in its order.
const SOURCES: &[&str] = &[
    "version", "status", "types", "log", "session", "identity", "read", "all", "limits", "control", "clocks", "window",
    "sampler", "guard",
];

fn generated() -> cbindgen::Bindings {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let builder = cbindgen::Builder::new().with_config(config);
    let builder = SOURCES.iter().fold(builder, |b, name| b.with_src(root().join(format!("src/capi/{name}.rs"))));
    builder.generate().unwrap()
}

#[test]
fn header_is_current() {
    let mut made = Vec::new();
    generated().write(&mut made);
    let path = root().join("include/zeus_amd.h");
    if std::env::var_os("ZEUS_AMD_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read(&path).unwrap();
    assert!(
        made == committed,
        "include/zeus_amd.h is not what the sources make; run ZEUS_AMD_BLESS=1 cargo test --test header"
    );
}

/// The list that the shared and the static library are held to.
#[test]
fn symbol_list_is_current() {
    let path = root().join("cmake/exports.txt");
    let mut made: Vec<String> = functions().into_iter().map(|(name, _)| name).collect();
    made.sort();
    let made = made.join("\n") + "\n";
    if std::env::var_os("ZEUS_AMD_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    assert_eq!(made, fs::read_to_string(&path).unwrap(), "cmake/exports.txt is not the header's list");
}

/// Every module of the boundary that has public items is among the sources.
#[test]
fn no_module_is_forgotten() {
    for entry in fs::read_dir(root().join("src/capi")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let exported = text.contains("#[no_mangle]") && name != "hooks";
        assert_eq!(exported || name == "types", SOURCES.contains(&name.as_str()), "{name}");
    }
}

/// The functions of the header with the comment above each.
fn functions() -> Vec<(String, String)> {
    let header = fs::read_to_string(root().join("include/zeus_amd.h")).unwrap();
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut in_comment = false;
    for line in header.lines() {
        if line.starts_with("/**") {
            (in_comment, comment) = (true, String::new());
        }
        if in_comment {
            comment.push_str(line);
            comment.push('\n');
        }
        if line.contains("*/") {
            in_comment = false;
        } else if !in_comment && line.contains("ZEUS_AMD_API") && !line.starts_with('#') {
            comment.push_str("@@");
        }
        if !in_comment && comment.ends_with("@@") {
            if let Some(name) = line.split(['(', ' ', '*']).find(|w| w.starts_with("zeus_amd_") && !w.ends_with("_t")) {
                found.push((name.to_owned(), comment.clone()));
                comment.clear();
            }
        }
    }
    assert!(found.len() > 15, "only {found:?}");
    found
}

#[test]
fn every_function_says_what_it_must() {
    for (name, comment) in functions() {
        for tag in ["@return", "@threadsafety", "@forksafety", "@since"] {
            assert!(comment.contains(tag), "{name} has no {tag}");
        }
        if comment.contains("@return ZEUS_AMD_STATUS_OK") && comment.contains("session An open session") {
            assert!(comment.contains("ZEUS_AMD_STATUS_FORKED"), "{name} does not say what happens in a child");
        }
    }
}

/// cbindgen ignores modules: of two public types with one name, one would silently win.
#[test]
fn no_two_public_types_share_a_name() {
    let mut seen = std::collections::HashSet::new();
    for path in common::rust_sources() {
        if !path.to_str().unwrap().contains("/capi/") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some(rest) = ["pub struct ", "pub enum ", "pub type "].iter().find_map(|p| line.trim().strip_prefix(p))
            else {
                continue;
            };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(seen.insert(name.clone()), "{name} is declared twice");
        }
    }
    assert!(seen.len() > 8);
}
