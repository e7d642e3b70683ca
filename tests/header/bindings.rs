//! What the bindings and the tests say of functions that read one or two numbers of one GPU is made from the header: a new
//! one needs no line written in them. Parts between two marks; `ZEUS_AMD_BLESS=1 cargo test header::` writes them.

use super::{header, is_blessed, root};
use std::fs;

const BEGIN: &str = "Made from zeus_amd.h by ZEUS_AMD_BLESS=1 cargo test header:: (numbers of one GPU)";
const END: &str = "End of what is made";

/// `zeus_amd_power_limit_range_mw(session, gpu, uint64_t *min_mw, uint64_t *max_mw)`.
struct Reader {
    /// Without "zeus_amd_".
    name: String,
    /// "u64", "u32" or "i32".
    kind: String,
    /// One, or the lowest and the highest.
    values: Vec<String>,
}

impl Reader {
    /// A number without a unit is a yes or a no.
    fn is_bool(&self) -> bool {
        self.values.len() == 1 && !self.values[0].contains('_')
    }

    fn bits(&self) -> &str {
        &self.kind[1..]
    }
}

fn readers() -> Vec<Reader> {
    let header = header();
    let reader = |text: &str| {
        let (name, rest) = text.split_once('(')?;
        let arguments = rest.split_once(");")?.0.split_whitespace().collect::<Vec<_>>().join(" ");
        let values = arguments.strip_prefix("const struct zeus_amd_session_t *session, uint32_t gpu, ")?;
        let values = values.split(", ").map(|v| v.split_once("_t *")).collect::<Option<Vec<_>>>()?;
        let kind = values[0]
            .0
            .strip_suffix("64")
            .map(|s| format!("{s}64"))
            .or_else(|| values[0].0.strip_suffix("32").map(|s| format!("{s}32")))?;
        let kind = kind.replace("uint", "u").replace("int", "i");
        let is_plain = ["u64", "u32", "i32"].contains(&kind.as_str());
        let values = values.into_iter().map(|v| v.1.to_owned()).collect();
        is_plain.then_some(Reader { name: name.to_owned(), kind, values })
    };
    let found: Vec<_> = header.split("zeus_amd_status_t zeus_amd_").skip(1).filter_map(reader).collect();
    assert!(found.len() > 10 && found.iter().all(|r| r.values.len() <= 2));
    found
}

/// Lines of at most 100 characters with all names, each with what stands around it.
fn wrapped(names: impl Iterator<Item = String>, indent: &str, continued: &str) -> String {
    let mut lines = vec![String::new()];
    for name in names {
        if lines[lines.len() - 1].len() + name.len() > 100 {
            lines.push(String::new());
        }
        let line = lines.last_mut().unwrap();
        *line += if line.is_empty() { indent } else { " " };
        *line += &name;
    }
    lines.join(&format!("{continued}\n"))
}

fn cpp(all: &[Reader]) -> String {
    let method = |r: &Reader| {
        let Reader { name, kind, .. } = r;
        let number = if kind == "i32" { "std::int32_t" } else { kind };
        let (result, body) = match r.values.len() {
            2 => (
                if kind == "u64" { "power_range_mw" } else { "clock_range_mhz" },
                format!("return detail::get_range<P, {number}>(zeus_amd_{name}, get(), gpu);"),
            ),
            _ if r.is_bool() => ("bool", format!("return get_bool(zeus_amd_{name}, gpu);")),
            _ => (number, format!("return get_<{number}>(zeus_amd_{name}, gpu);")),
        };
        let line = format!("    result<{result}> {name}(u32 gpu) const {{ {body} }}\n");
        if line.len() <= 121 {
            return line;
        }
        format!("    result<{result}> {name}(u32 gpu) const\n    {{\n        {body}\n    }}\n")
    };
    all.iter().map(method).collect()
}

fn fortran(all: &[Reader]) -> String {
    let last = all.len() - 1;
    let names = all.iter().enumerate().map(|(i, r)| format!("zeus_amd_{}{}", r.name, if i < last { "," } else { "" }));
    let interface = |r: &Reader| {
        let Reader { name, values, .. } = r;
        let outs = values.iter().map(|v| format!("      integer(c_int{}_t), intent(out) :: {v}\n", r.bits()));
        format!(
            "    function zeus_amd_{name}(session, gpu, {}) bind(c) result(status)\n      import\n      \
             type(zeus_amd_session_t), value :: session\n      integer(c_int32_t), value :: gpu\n{}      \
             integer(c_int32_t) :: status\n    end function zeus_amd_{name}\n",
            values.join(", "),
            outs.collect::<String>()
        )
    };
    let interfaces: Vec<_> = all.iter().map(interface).collect();
    let public = wrapped(names, "    ", " &");
    format!("  public :: &\n{public}\n\n  interface\n{}  end interface\n", interfaces.join("\n"))
}

fn python_functions(all: &[Reader]) -> String {
    let line = |r: &Reader| {
        let outs = vec![format!("_{}s", r.kind); r.values.len()].join(", ");
        format!("    \"{}\": (c_int32, _handle, c_uint32, {outs}),\n", r.name)
    };
    all.iter().map(line).collect()
}

fn python_methods(all: &[Reader]) -> String {
    let method = |r: &Reader| {
        let name = &r.name;
        let kind = format!("c_{}", r.kind.replace('u', "uint").replace("i3", "int3"));
        match r.values.len() {
            2 => format!(
                "    def {name}(self, gpu: int) -> Tuple[int, int]:\n        \"\"\"(lowest, highest)\"\"\"\n        \
                 return self._get_two(\"{name}\", {kind}, gpu)\n"
            ),
            _ if r.is_bool() => format!(
                "    def {name}(self, gpu: int) -> bool:\n        return bool(self._get(\"{name}\", {kind}, gpu))\n"
            ),
            _ => format!("    def {name}(self, gpu: int) -> int:\n        return self._get(\"{name}\", {kind}, gpu)\n"),
        }
    };
    all.iter().map(method).collect::<Vec<_>>().join("\n")
}

fn test_arrays(all: &[Reader]) -> String {
    let array = |(kind, values, ty, name): (&str, usize, &str, &str)| {
        let fits = all.iter().filter(|r| r.kind == kind && r.values.len() == values);
        let names = fits.map(|r| format!("zeus_amd_{},", r.name));
        format!("static const {ty} {name}[] = {{\n{}\n}};\n", wrapped(names, "    ", ""))
    };
    let arrays = [
        ("u64", 1, "read_u64", "READ_U64"),
        ("u32", 1, "read_u32", "READ_U32"),
        ("i32", 1, "read_i32", "READ_I32"),
        ("u64", 2, "read_range", "READ_RANGE"),
        ("u32", 2, "read_pair", "READ_PAIR"),
    ];
    arrays.map(array).concat()
}

type Part = (&'static str, &'static [fn(&[Reader]) -> String]);

/// Files, and what makes the parts of each in their order.
const PARTS: &[Part] = &[
    ("include/zeus_amd.hpp", &[cpp]),
    ("include/zeus_amd.f90", &[fortran]),
    ("python/zeus_amd/_library.py", &[python_functions]),
    ("python/zeus_amd/_session.py", &[python_methods]),
    ("tests/c/readers.h", &[test_arrays]),
];

#[test]
fn readers_of_the_bindings_are_current() {
    let all = readers();
    for (file, parts) in PARTS {
        let path = root().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let pieces: Vec<&str> = text.split(BEGIN).collect();
        assert_eq!(pieces.len(), parts.len() + 1, "{file}: parts between marks");
        let mut made = pieces[0].to_owned();
        for (piece, part) in pieces[1..].iter().zip(*parts) {
            // The rest of the line of either mark stays.
            let (first, rest) = piece.split_once('\n').unwrap();
            let (inside, after) = rest.split_once(END).unwrap_or_else(|| panic!("{file} has no \"{END}\""));
            let mark = &inside[inside.rfind('\n').map_or(0, |at| at + 1)..];
            made += &format!("{BEGIN}{first}\n{}{mark}{END}{after}", part(&all));
        }
        if is_blessed() {
            fs::write(&path, &made).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap();
        assert!(made == committed, "{file} lacks what the header has; run ZEUS_AMD_BLESS=1 cargo test header::");
    }
}
