//! The committed header equals what cbindgen makes of the sources now.
//! `ZEUS_AMD_BLESS=1 cargo test header::` writes it instead.

mod common;

use common::root;
use std::fs;

/// The sources of the header, in its order.
const SOURCES: &[&str] = &[
    "version",
    "status",
    "types",
    "log",
    "session",
    "gpu_info",
    "readings",
    "all",
    "power_limit",
    "control",
    "clocks",
    "window",
    "sampler",
    "guard",
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
        "include/zeus_amd.h is not what the sources make; run ZEUS_AMD_BLESS=1 cargo test header::"
    );
}

/// The list that the shared and the static library are held to.
#[test]
fn symbol_list_is_current() {
    let path = root().join("cmake/exports.txt");
    let mut made: Vec<String> = functions().into_iter().map(|f| f.name).collect();
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
        let exported = text.contains("#[no_mangle]") && name != "test_hooks";
        assert_eq!(exported || name == "types", SOURCES.contains(&name.as_str()), "{name}");
    }
}

#[derive(Debug)]
struct Function {
    name: String,
    /// It returns a zeus_amd_status_t.
    may_fail: bool,
    /// The text above it, in one line.
    comment: String,
}

impl Function {
    /// A part of the text: from `tag` to the next tag.
    fn part(&self, tag: &str) -> &str {
        let (_, rest) = self.comment.split_once(tag).unwrap_or_else(|| panic!("{} has no {tag}", self.name));
        rest.split(" @").next().unwrap()
    }
}

fn header() -> String {
    fs::read_to_string(root().join("include/zeus_amd.h")).unwrap()
}

/// The words of a comment, without its stars.
fn words(comment: &str) -> String {
    let words = comment.split_whitespace().filter(|w| !["/**", "*", "*/"].contains(w));
    words.collect::<Vec<_>>().join(" ")
}

/// The functions of the header with the comment above each.
fn functions() -> Vec<Function> {
    let header = header();
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
                found.push(Function {
                    name: name.to_owned(),
                    may_fail: line.contains("zeus_amd_status_t "),
                    comment: words(&comment),
                });
                comment.clear();
            }
        }
    }
    assert!(found.len() > 15, "only {found:?}");
    found
}

#[test]
fn every_function_says_what_it_must() {
    // What its parameters and its kind make it return.
    let follows = [
        ("", "INTERNAL"),
        ("not NULL", "INVALID_ARGUMENT"),
        ("struct_size", "STRUCT_VERSION"),
        ("options How to", "STRUCT_VERSION"),
        ("An index below zeus_amd_gpu_count()", "NOT_FOUND"),
        ("how many GPUs there are", "BUFFER_TOO_SMALL"),
        ("An open session", "FORKED"),
        ("A window", "FORKED"),
        ("A sampler", "FORKED"),
        ("A guard", "FORKED"),
    ];
    for f in functions() {
        for tag in ["@return ", "@threadsafety ", "@forksafety ", "@since "] {
            assert!(f.comment.contains(tag), "{} has no {tag}", f.name);
        }
        if !f.may_fail || f.part("@return ").starts_with("As zeus_amd_") {
            continue;
        }
        let returned = f.part("@return ");
        let parameters = f.comment.split("@param").skip(1).map(|p| p.split(" @").next().unwrap());
        let parameters = parameters.collect::<Vec<_>>().join(" ");
        for (words, status) in follows {
            let status = format!("ZEUS_AMD_STATUS_{status}");
            assert!(
                !parameters.contains(words) || returned.contains(&status),
                "{}: no {status}, but {words:?}",
                f.name
            );
            if status.ends_with("FORKED") && parameters.contains(words) {
                assert!(f.part("@forksafety ").contains(&status), "{} does not say what happens in a child", f.name);
            }
        }
    }
}

/// A status that no function names is one that some function keeps to itself.
#[test]
fn every_status_is_some_function_s() {
    let returned: String =
        functions().iter().filter(|f| f.may_fail).map(|f| f.part("@return ").to_owned() + ",").collect();
    let header = header();
    let list = header.split("enum zeus_amd_status_t").nth(1).unwrap().split("};").next().unwrap();
    let mut seen = 0;
    for entry in list.split("/**").skip(1) {
        let (comment, rest) = entry.split_once("*/").unwrap();
        let name = rest.split('=').next().unwrap().trim();
        let named = returned.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
        let comment = words(comment);
        let elsewhere = comment.starts_with("Only as ") || comment.contains("Reserved: no function returns it");
        assert!(named != elsewhere, "{name}: named by a function: {named}; its own text: {comment}");
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

/// The unit in a name is in the text as well, before the parameters.
#[test]
fn units_are_spelt_out() {
    let units = [
        ("_mw", "milliwatts"),
        ("_mj", "millijoules"),
        ("_mhz", "MHz"),
        ("_c", "degrees Celsius"),
        ("_ns", "nanoseconds"),
    ];
    let mut seen = 0;
    for f in functions() {
        for (_, unit) in units.iter().filter(|(end, _)| f.name.ends_with(end)) {
            assert!(f.comment.split(" @").next().unwrap().contains(unit), "{} does not say {unit}", f.name);
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen}");
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
