//! The header as C and C++ programmers meet it: every standard, both compilers, strict warnings; programs that link.

#[path = "c/support.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{cc, lib_folder, program, root, run, work, Fake, COMPILERS};

/// Names that both gcc 12 and clang 14 know; c2x and c++2b are C23 and C++23.
const C: [&str; 4] = ["c99", "c11", "c17", "c2x"];
const CPP: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];
const STRICT: [&str; 2] = ["-Wpadded", "-Wmissing-field-initializers"];

/// `header_only.c` in one standard; the compiler has to have nothing to say.
fn header_alone(compiler: &str, standard: &str, extra: &[&str], to: &Path) {
    let mut c = cc(compiler, standard);
    c.args(STRICT).args(extra);
    if standard.contains("++") {
        c.args(["-Wold-style-cast", "-x", "c++"]);
    } else {
        c.args(["-Wstrict-prototypes", "-Wmissing-prototypes"]);
    }
    run(c.arg("-c").arg(root().join("tests/c/header_only.c")).arg("-o").arg(to)).silent();
}

fn matrix(name: &str, standards: &[&str], extra: &[&str]) {
    let object = work(name).join("header.o");
    for compiler in COMPILERS {
        for standard in standards {
            header_alone(compiler, standard, extra, &object);
        }
    }
}

/// T4 (typed enums in C).
#[test]
fn header_in_every_c() {
    matrix("every_c", &C, &[]);
}

/// T1 (header that C++ cannot take).
#[test]
fn header_in_every_cpp() {
    matrix("every_cpp", &CPP, &[]);
}

/// T36 (macros of other headers).
/// Headers that define `errno`, `ALIGN` and the like as macros come first.
#[test]
fn header_after_headers_full_of_macros() {
    let before = ["-D_GNU_SOURCE", "-include", "errno.h", "-include", "sys/param.h", "-include", "math.h"];
    matrix("macros_c", &C, &before);
    matrix("macros_cpp", &CPP, &before);
}

/// T36 (macros of other headers).
/// No name of the header outside its prefix: neither macros nor what it declares.
#[test]
fn every_macro_has_the_prefix() {
    let macros = |include: &str| {
        let mut c = Command::new("gcc");
        c.args(["-dM", "-E", "-x", "c", "-include", include]).arg("-I").arg(root().join("include")).arg("/dev/null");
        run(&mut c).ok().stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    // What the two standard headers define is not the header's doing.
    let mut standard = macros("stddef.h");
    standard.extend(macros("stdint.h"));
    let ours: Vec<_> = macros("zeus_amd.h").into_iter().filter(|m| !standard.contains(m)).collect();
    assert!(ours.len() > 15, "{ours:?}");
    for line in ours {
        assert!(line.starts_with("#define ZEUS_AMD_"), "{line}");
    }
}

/// The comments are what doxygen and clang take them for: no unknown command, no parameter that is not there.
#[test]
fn comments_are_documentation() {
    for header in ["zeus_amd.h", "zeus_amd_mpi.h"] {
        // MPI's own header is not at hand everywhere, and its text is not this library's.
        let stub = work("documentation").join("mpi.h");
        fs::write(&stub, MPI_STUB).unwrap();
        let mut c = Command::new("clang");
        c.args(["-std=c11", "-fsyntax-only", "-Wdocumentation", "-Wdocumentation-pedantic", "-Werror", "-x", "c"]);
        c.arg("-fcomment-block-commands=threadsafety,forksafety").arg("-I").arg(root().join("include"));
        c.arg("-isystem").arg(stub.parent().unwrap()).arg(root().join("include").join(header));
        run(&mut c).silent();
    }
    let folder = work("doxygen");
    let config = fs::read_to_string(root().join("docs/Doxyfile")).unwrap();
    let config = config + &format!("\nOUTPUT_DIRECTORY = {}\nWARN_AS_ERROR = FAIL_ON_WARNINGS\n", folder.display());
    fs::write(folder.join("Doxyfile"), config).unwrap();
    let mut doxygen = Command::new("doxygen");
    run(doxygen.arg(folder.join("Doxyfile")).current_dir(root())).silent();
    let page = fs::read_to_string(folder.join("html/zeus__amd_8h.html")).unwrap();
    assert!(page.contains("zeus_amd_window_begin") && page.contains("After fork()"), "nothing is documented");
}

/// What zeus_amd_mpi.h needs of an MPI to be read by a compiler.
const MPI_STUB: &str = "
typedef void *MPI_Comm, *MPI_Datatype, *MPI_Errhandler;
typedef int MPI_Op;
enum { MPI_SUCCESS, MPI_ERR_OTHER, MPI_MIN, MPI_MAX, MPI_UNDEFINED, MPI_MAX_PROCESSOR_NAME = 256 };
#define MPI_COMM_NULL ((MPI_Comm)0)
#define MPI_INT ((MPI_Datatype)1)
#define MPI_BYTE ((MPI_Datatype)2)
#define MPI_ERRORS_RETURN ((MPI_Errhandler)0)
int MPI_Barrier(MPI_Comm), MPI_Comm_free(MPI_Comm *), MPI_Comm_rank(MPI_Comm, int *), MPI_Comm_size(MPI_Comm, int *);
int MPI_Bcast(void *, int, MPI_Datatype, int, MPI_Comm), MPI_Comm_set_errhandler(MPI_Comm, MPI_Errhandler);
int MPI_Comm_split(MPI_Comm, int, int, MPI_Comm *), MPI_Get_processor_name(char *, int *);
int MPI_Gather(const void *, int, MPI_Datatype, void *, int, MPI_Datatype, int, MPI_Comm);
int MPI_Gatherv(const void *, int, MPI_Datatype, void *, const int *, const int *, MPI_Datatype, int, MPI_Comm);
int MPI_Scatter(const void *, int, MPI_Datatype, void *, int, MPI_Datatype, int, MPI_Comm);
int MPI_Allreduce(const void *, void *, int, MPI_Datatype, MPI_Op, MPI_Comm);
";

/// Struct layouts, enumerators and signatures of release 0.1, in both compilers.
#[test]
fn layout_of_0_1_is_frozen() {
    let folder = work("layout");
    let source = fs::read_to_string(root().join("tests/c/layout_0_1.c")).unwrap();
    for compiler in COMPILERS {
        let to = folder.join(compiler);
        let mut c = cc(compiler, "c11");
        c.arg(root().join("tests/c/layout_0_1.c")).arg("-o").arg(&to).arg("-L").arg(lib_folder());
        run(c.arg(format!("-Wl,-rpath,{}", lib_folder().display())).arg("-lzeus_amd")).silent();
        run(&mut Command::new(to)).silent();
    }
    // Nothing of this release is left out.
    for name in names(&fs::read_to_string(root().join("include/zeus_amd.h")).unwrap()) {
        assert!(source.contains(&name), "{name} is not in tests/c/layout_0_1.c");
    }
}

/// Enumerators, flags and functions of a header.
fn names(header: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in header.lines() {
        let line = line.trim();
        let word: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if word.starts_with("ZEUS_AMD_") && line.starts_with(&format!("{word} = ")) {
            found.push(word);
        } else if let Some(rest) = line.strip_prefix("#define ZEUS_AMD_") {
            let rest = rest.split([' ', '(']).next().unwrap();
            if rest.ends_with("_BIT") {
                found.push(format!("ZEUS_AMD_{rest}"));
            }
        }
    }
    let exports = fs::read_to_string(root().join("cmake/exports.txt")).unwrap();
    found.extend(exports.lines().map(str::to_owned));
    assert!(found.len() > 80, "only {found:?}");
    found
}

/// T31 (nested structs).
#[test]
fn no_struct_holds_another() {
    let header = fs::read_to_string(root().join("include/zeus_amd.h")).unwrap();
    let enums = header.lines().filter_map(|l| l.strip_prefix("enum ")).map(|l| l.split(':').next().unwrap().to_owned());
    let plain = ["uint32_t ", "uint64_t ", "int32_t ", "int64_t ", "double ", "char ", "const char *"];
    let plain: Vec<String> = plain.map(str::to_owned).into_iter().chain(enums).collect();
    let mut fields = 0;
    let mut inside = false;
    for line in header.lines() {
        if line.starts_with("typedef struct ") && line.ends_with('{') {
            inside = true;
        } else if line.starts_with('}') {
            inside = false;
        } else if inside && line.trim_end().ends_with(';') && !line.trim_start().starts_with(['*', '/']) {
            let first = line.trim();
            assert!(plain.iter().any(|p| first.starts_with(p.as_str())), "a field that is no plain value: {first}");
            fields += 1;
        }
    }
    assert!(fields > 35, "only {fields} fields seen");
}

/// T6 (version macro wrong).
#[test]
fn version_macro_is_the_library_s() {
    let folder = work("version");
    run(&mut Command::new(program("version", &folder))).silent();
}

/// Two files of one program include the header, one of them twice; a wrapper class uses it; the program runs.
#[test]
fn cpp_program_of_two_files() {
    let folder = work("cpp");
    let fake = Fake::new(&folder);
    for (compiler, standard) in [("g++", "c++11"), ("g++", "c++20"), ("clang++", "c++11"), ("clang++", "c++2b")] {
        let to = folder.join(format!("{compiler}-{standard}"));
        let mut c = cc(compiler, standard);
        c.arg("-Wold-style-cast").args(["use_a.cc", "use_b.cc"].map(|f| root().join("tests/cpp").join(f)));
        c.arg("-o").arg(&to).arg("-L").arg(lib_folder()).arg(format!("-Wl,-rpath,{}", lib_folder().display()));
        run(c.arg("-lzeus_amd")).silent();
        run(&mut fake.command(&to)).silent();
    }
}

fn examples(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples-c")).unwrap();
    let paths = entries.map(|e| e.unwrap().path());
    // Those of MPI are compiled by tests/mpi/run.sh, with the compilers of both MPIs.
    let mpi = |p: &PathBuf| fs::read_to_string(p).unwrap().contains("#include <mpi.h>");
    paths.filter(|p| p.extension().is_some_and(|e| e == extension) && !mpi(p)).collect()
}

#[test]
fn examples_compile_without_a_warning() {
    let folder = work("examples");
    let (c, cpp) = (examples("c"), examples("cpp"));
    assert!(!c.is_empty() && !cpp.is_empty(), "no examples found");
    let link = |compiler: &str, standard: &str, source: &Path| {
        let mut c = cc(compiler, standard);
        c.arg(source).arg("-o").arg(folder.join("example")).arg("-L").arg(lib_folder());
        run(c.args(["-lzeus_amd", "-lm"])).silent();
    };
    for compiler in COMPILERS {
        c.iter().for_each(|s| link(compiler, "gnu99", s));
    }
    for compiler in ["g++", "clang++"] {
        cpp.iter().for_each(|s| link(compiler, "c++17", s));
    }
}
