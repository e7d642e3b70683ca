//! The committed header equals what cbindgen makes of the sources now.
//! `ZEUS_AMD_BLESS=1 cargo test header::` writes it instead.

#[path = "header/bindings.rs"]
mod bindings;
mod common;

use common::root;
use std::collections::BTreeSet;
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
    "power_limit",
    "clocks",
    "unsupported",
    "window",
    "sampler",
    "limits",
    "node",
    "node_total",
    "guard",
];

fn generated() -> cbindgen::Bindings {
    let config = cbindgen::Config::from_file(root().join("cbindgen.toml")).unwrap();
    let builder = cbindgen::Builder::new().with_config(config);
    let builder = SOURCES.iter().fold(builder, |b, name| b.with_src(root().join(format!("src/capi/{name}.rs"))));
    builder.generate().unwrap()
}

/// Before C23 an enum has no tag: makers of bindings (bindgen, SWIG) take a tag and a typedef of one name for two types.
fn without_tags(header: &str) -> String {
    const TYPED: &str = "#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L";
    let mut parts = header.split("\nenum ");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let mut lines = part.splitn(6, '\n');
        let mut next = || lines.next().unwrap();
        let (name, typed, size, end, brace) = (next(), next(), next().trim(), next(), next());
        assert!(typed == TYPED && end.starts_with("#endif") && brace == " {", "{name}");
        text += &format!("\n{TYPED}\nenum {name} {size}\n#else\nenum\n#endif\n{{\n{}", next());
    }
    text
}

/// The header as the sources make it.
fn made() -> String {
    let mut made = Vec::new();
    generated().write(&mut made);
    without_tags(&String::from_utf8(made).unwrap())
}

fn is_blessed() -> bool {
    std::env::var_os("ZEUS_AMD_BLESS").is_some()
}

#[test]
fn header_is_current() {
    let made = made();
    let path = root().join("include/zeus_amd.h");
    if is_blessed() {
        fs::write(&path, &made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
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
    if is_blessed() {
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
        assert_eq!(exported || text.contains("pub struct zeus_amd_"), SOURCES.contains(&name.as_str()), "{name}");
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

/// The committed one, or what it becomes: another test writes it meanwhile.
fn header() -> String {
    if is_blessed() {
        made()
    } else {
        fs::read_to_string(root().join("include/zeus_amd.h")).unwrap()
    }
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

/// All statuses that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter_map(|w| Some(w.strip_prefix("ZEUS_AMD_STATUS_")?.to_owned())).filter(|w| !w.is_empty()).collect()
}

/// The groups of statuses at the top of the header, each with those before it.
fn groups() -> Vec<(&'static str, BTreeSet<String>)> {
    let header = header();
    let top = words(header.split("*/").find(|c| c.contains("@file")).unwrap());
    let top = top.split_once("Statuses.").unwrap().1;
    let mut all = BTreeSet::new();
    ["call", "reading", "change"]
        .map(|group| {
            let text = top.split_once(&format!("- Any {group} may return")).unwrap().1;
            all.extend(named(text.split(" - ").next().unwrap()));
            (group, all.clone())
        })
        .to_vec()
}

/// What a function may return: the statuses of its group, and those that it names.
fn returned(f: &Function) -> BTreeSet<String> {
    let text = f.part("@return ");
    let mut all = named(text);
    for (group, statuses) in groups() {
        if text.contains(&format!(" of any {group}")) {
            all.extend(statuses);
        }
    }
    all
}

#[test]
fn every_function_says_what_it_must() {
    // What its parameters and its kind make it return.
    let follows = [
        ("", "INTERNAL"),
        ("not NULL", "INVALID_ARGUMENT"),
        ("struct_size", "STRUCT_VERSION"),
        ("An index below zeus_amd_gpu_count()", "NOT_FOUND"),
        ("receives the number of GPUs", "BUFFER_TOO_SMALL"),
        ("An open session", "FORKED"),
        ("A window of the node", "FORKED"),
        ("A window", "FORKED"),
        ("A sampler", "FORKED"),
        ("A guard", "FORKED"),
    ];
    for f in functions() {
        for tag in ["@threadsafety ", "@forksafety ", "@since "] {
            assert!(f.comment.contains(tag), "{} has no {tag}", f.name);
        }
        if !f.may_fail || f.part("@return ").starts_with("As zeus_amd_") {
            continue;
        }
        let returned = returned(&f);
        let parameters = f.comment.split("@param").skip(1).map(|p| p.split(" @").next().unwrap());
        let parameters = parameters.collect::<Vec<_>>().join(" ");
        for (words, status) in follows {
            assert!(!parameters.contains(words) || returned.contains(status), "{}: no {status}, but {words:?}", f.name);
            if status == "FORKED" && parameters.contains(words) {
                assert!(f.part("@forksafety ").contains("ZEUS_AMD_STATUS_FORKED"), "{} in a child?", f.name);
            }
        }
    }
}

/// A status that no function returns says where else it is.
#[test]
fn every_status_is_some_function_s() {
    let all: BTreeSet<String> = functions().iter().filter(|f| f.may_fail).flat_map(returned).collect();
    let header = header();
    let list = header.split("enum zeus_amd_status_t").nth(1).unwrap().split("};").next().unwrap();
    let mut seen = 0;
    for entry in list.split("/**").skip(1) {
        let (comment, rest) = entry.split_once("*/").unwrap();
        let name = rest.split('=').next().unwrap().trim();
        let elsewhere = words(comment).starts_with("Only as ");
        let returned = all.contains(name.strip_prefix("ZEUS_AMD_STATUS_").unwrap());
        assert!(returned != elsewhere, "{name}: returned by a function: {returned}; its own text: {comment}");
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

/// A bit means the same in every struct: constants with one suffix after their struct's name have one value and one text
/// about it, and no suffix is a value in one place and a condition in another. So a test of one struct's field with the
/// constant of another answers right, or does not compile.
#[test]
fn bits_are_the_same_in_every_struct() {
    let header = header();
    let structs = header.lines().filter_map(|l| l.strip_prefix("typedef struct zeus_amd_")?.strip_suffix("_t {"));
    let structs: Vec<String> = structs.map(str::to_uppercase).collect();
    let mut bits = std::collections::BTreeMap::<(String, &str), Vec<(&str, u32)>>::new();
    let mut of_structs = BTreeSet::new();
    for line in header.lines() {
        let Some((name, value)) = line.strip_prefix("#define ZEUS_AMD_").and_then(|l| l.split_once("_BIT ")) else {
            continue;
        };
        let split = ["_VALID_", "_FLAG_"].iter().find_map(|kind| Some((kind, name.split_once(kind)?)));
        let Some((kind, (owner, suffix))) = split else {
            // Flags of calls.
            assert!(name.starts_with("OPEN_") || name.starts_with("GUARD_"), "{name} does not say whose bit it is");
            continue;
        };
        assert!(structs.iter().any(|s| s == owner), "{name}: there is no struct of that name");
        of_structs.insert((owner, *kind));
        let value: u32 = value.trim().parse().unwrap();
        assert!(value.is_power_of_two(), "{name} is {value}");
        bits.entry((suffix.to_owned(), kind)).or_default().push((owner, value));
    }
    for ((suffix, kind), all) in &bits {
        assert!(all.iter().all(|(_, value)| *value == all[0].1), "{kind}{suffix} differs: {all:?}");
        let other = if *kind == "_VALID_" { "_FLAG_" } else { "_VALID_" };
        assert!(!bits.contains_key(&(suffix.clone(), other)), "{suffix} is a value and a condition");
    }
    // Within a struct no two share a bit.
    for (owner, kind) in &of_structs {
        let all: Vec<u32> = bits
            .iter()
            .filter(|(k, _)| k.1 == *kind)
            .flat_map(|(_, all)| all)
            .filter(|b| b.0 == *owner)
            .map(|b| b.1)
            .collect();
        assert_eq!(all.iter().fold(0, |sum, b| sum | b), all.iter().sum::<u32>(), "{owner}{kind}");
    }
    // Every struct that a call fills in has both fields, and bits for both.
    for owner in structs.iter().filter(|s| !s.ends_with("OPTIONS")) {
        for (kind, field) in [("_VALID_", "    uint32_t valid;"), ("_FLAG_", "    uint32_t flags;")] {
            assert!(of_structs.contains(&(owner.as_str(), kind)), "{owner} has no constant {kind}");
            let start = header.find(&format!("typedef struct zeus_amd_{}_t {{", owner.to_lowercase())).unwrap();
            let body = header[start..].split("\n}").next().unwrap();
            assert!(body.contains(field), "{owner} has no {field}");
        }
    }
    assert!(of_structs.len() == 26 && bits.len() > 25, "{of_structs:?}");
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
