"""Manual pages: section 3 from the comments of the headers, section 1 from what --help prints, section 7 by hand.

    docs/man.py FOLDER      writes FOLDER/man1, man3 and man7
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
DATE = (re.search(rf"^## {re.escape(VERSION)}.*?(\d{{4}}-\d\d-\d\d)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE) or ["", ""])[1]


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti")
    return re.sub(r"^\.", "\\&.", text, flags=re.MULTILINE)


def head(name, section, what):
    return f'.TH {name} {section} "{DATE}" "zeus_amd {VERSION}" "{what}"\n'


def comment_lines(comment):
    """Without stars, and without the blank that each line begins with."""
    lines = [re.sub(r"^ ?\* ?", "", line.strip("\t").lstrip(" ") if line.lstrip().startswith("*") else line) for line in comment.split("\n")]
    return [line.rstrip() for line in lines]


def body(lines):
    """Paragraphs, lists (- ...) and code (four blanks) as roff."""
    out, kind = [], ""
    for line in lines:
        was, kind = kind, "code" if line.startswith("    ") else kind
        if line.startswith("    "):
            out += [".PP\n.EX"] if was != "code" else []
            out.append(escaped(line[4:]))
            continue
        if was == "code" and line:
            out.append(".EE")
            kind = ""
        if line.startswith("- "):
            out += [".IP \\(bu 2", escaped(line[2:])]
        elif line:
            out.append(escaped(line.strip()))
            kind = kind or "text"
        elif kind != "code":
            out.append(".PP")
            kind = ""
    if kind == "code":
        out.append(".EE")
    text = "\n".join(out).strip("\n")
    return re.sub(r"(\.PP\n)+(?=\.PP|$)|^(\.PP\n)+|(\n\.PP)+$", "", text)


def tagged(comment):
    """The text, and the tags: (name, words)."""
    text, tags = [], []
    for line in comment_lines(comment):
        tag = re.match(r"@(\w+)(?:\[[\w,]+\])?\s*(.*)", line)
        if tag:
            tags.append([tag[1], tag[2]])
        elif tags:
            tags[-1][1] += " " + line.strip()
        else:
            text.append(line)
    return text, tags


def summary(text):
    first = " ".join(" ".join(text).split())
    return re.split(r"(?<=\w)[.:;](?: |$)", first)[0].strip()


def documented(header):
    """(comment, declaration) of what has a comment of its own, in its order."""
    text = (ROOT / "include" / header).read_text()
    for match in re.finditer(r"/\*\*\n(.*?)\*/\n(?=(.*?)(?:/\*\*\n|\Z))", text, re.DOTALL):
        yield match[1], match[2]


def functions(header):
    for comment, code in documented(header):
        code = re.sub(r"ZEUS_AMD_(API|MUST_CHECK|MPI_INLINE|MPI_UNUSED)\b|__attribute__\(\(\w+\)\)|^static |\binline\b", "", code.strip(), flags=re.MULTILINE)
        found = re.match(r"\s*((?:const )?(?:struct )?\w+[ *]+\s*(zeus_amd_\w+)\s*\([^;{}]*\))\s*[;{]", code)
        if found and "zeus_amd_mpi_i_" not in found[2]:
            yield found[2], re.sub(r"\n\s+", " ", found[1].strip()), *tagged(comment)


def structs():
    for comment, code in documented("zeus_amd.h"):
        found = re.match(r"typedef struct (zeus_amd_\w+) \{\n", code)
        if found:
            inside = (ROOT / "include" / "zeus_amd.h").read_text().split(found[0], 1)[1].split("\n}", 1)[0]
            fields = re.findall(r"    /\*\*\n(.*?)\*/\n    ([^;]+;)", inside, re.DOTALL)
            yield found[1], tagged(comment)[0], fields


NAMES = {"threadsafety": "Threads", "forksafety": "After fork()", "since": "Since"}


def function_page(name, declaration, text, tags, header, others):
    out = [head(name, 3, "zeus_amd"), f".SH NAME\n{name} \\- {escaped(summary(text))}"]
    out.append(f".SH SYNOPSIS\n.nf\n.B #include <{header}>\n.PP\n.B {escaped(declaration)};\n.fi")
    out.append(".SH DESCRIPTION\n" + body(text))
    parameters = [words.split(None, 1) for tag, words in tags if tag == "param"]
    if parameters:
        rows = (f".TP\n.I {p[0]}\n{escaped(p[1] if len(p) > 1 else '')}" for p in parameters)
        out.append(".SS Parameters\n" + "\n".join(rows))
    out += [".SH RETURN VALUE\n" + escaped(words) for tag, words in tags if tag == "return"]
    notes = [f".TP\n.B {NAMES[tag]}\n{escaped(words)}" for tag, words in tags if tag in NAMES]
    if notes:
        out.append(".SH NOTES\n" + "\n".join(notes))
    types = sorted(set(re.findall(r"zeus_amd_\w+_t\b", declaration)) & others)
    near = ["zeus_amd (7)"] + [f"{t} (3)" for t in types] + ["zeus_amd_last_error (3)"] * (name != "zeus_amd_last_error")
    out.append(".SH SEE ALSO\n" + " ,\n".join(f".BR {n}" for n in near))
    return "\n".join(out) + "\n"


def struct_page(name, text, fields):
    out = [head(name, 3, "zeus_amd"), f".SH NAME\n{name} \\- {escaped(summary(text))}"]
    rows = "\n".join(escaped("    " + " ".join(declaration.split())) for _, declaration in fields)
    out.append(f".SH SYNOPSIS\n.nf\n.B #include <zeus_amd.h>\n.PP\ntypedef struct {name} {{\n{rows}\n}} {name};\n.fi")
    out.append(".SH DESCRIPTION\n" + body(text))
    for comment, declaration in fields:
        field = re.search(r"(\w+)(?:\[\d+\])?;$", declaration)[1]
        out.append(f".TP\n.I {field}\n" + escaped(" ".join(" ".join(comment_lines(comment)).split())))
    return "\n".join(out) + "\n.SH SEE ALSO\n.BR zeus_amd (7)\n"


def help_page(name, text, what, more):
    """usage: lines, options (two blanks) and paragraphs."""
    usage, _, rest = text.partition("\n\n")
    out = [head(name, 1, "zeus_amd"), f".SH NAME\n{name} \\- {what}"]
    out.append(".SH SYNOPSIS\n.nf\n" + "\n".join(escaped(re.sub(r"^(usage: |       )", "", line)) for line in usage.split("\n")) + "\n.fi")
    out.append(".SH DESCRIPTION")
    for part in rest.strip("\n").split("\n\n"):
        if not part.startswith("  -"):
            out.append(".PP\n" + "\n".join(escaped(line.strip()) for line in part.split("\n")))
            continue
        out.append(".SH OPTIONS")
        for line in part.split("\n"):
            option = re.match(r"  (-.*?)(?:  +|$| (?=[a-z0-9]))(.*)", line) if line.startswith("  -") else None
            out += [".TP\n.B " + escaped(option[1])] + [escaped(option[2])] * bool(option[2]) if option else [escaped(line.strip())]
        out.append(".SH NOTES")
    return re.sub(r"\.SH (DESCRIPTION|NOTES)\n\.PP", r".SH \1", "\n".join(out)) + f"\n{more}.SH SEE ALSO\n.BR zeus_amd (7)\n"


def literals(code):
    """The text of a C string that is written in parts."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', code)).replace('\\n', "\n").replace('\\"', '"')


def pages():
    records = list(structs())
    known = {name for name, _, _ in records}
    names = []
    for header in ("zeus_amd.h", "zeus_amd_mpi.h"):
        for name, declaration, text, tags in functions(header):
            names.append(f".TP\n.BR {name} (3)\n{escaped(summary(text))}")
            yield f"man3/{name}.3", function_page(name, declaration, text, tags, header, known)
    for name, text, fields in records:
        yield f"man3/{name}.3", struct_page(name, text, fields)
    # After @file.
    conventions = body(comment_lines(next(documented("zeus_amd.h"))[0])[2:])
    concepts = (ROOT / "docs" / "zeus_amd.7").read_text()
    yield "man7/zeus_amd.7", head("zeus_amd", 7, "zeus_amd") + concepts.replace("@CONVENTIONS@", conventions).replace("@FUNCTIONS@", "\n".join(names))
    options = (ROOT / "tools/zeus-amd-run/options.c").read_text()
    run = literals(options.split("static void usage", 1)[1].split("\n}", 1)[0])
    yield "man1/zeus-amd-run.1", help_page("zeus-amd-run", run, "energy, time and power of a command on AMD GPUs", "")
    sim = re.search(r'USAGE: &str = "\\\n(.*?)";', (ROOT / "simulator/src/bin/main.rs").read_text(), re.DOTALL)[1]
    what = "Runs a command on a simulated machine with AMD GPUs: its files, and libamd_smi of a ROCm release. No GPU is needed."
    machines = sorted(path.stem for path in (ROOT / "simulator/machines").glob("*.toml"))
    more = ".SH MACHINES\n" + escaped(", ".join(machines)) + "\n"
    yield "man1/zeus-amd-sim.1", help_page("zeus-amd-sim", sim + "\n\n" + what, "a simulated machine with AMD GPUs", more)


if __name__ == "__main__":
    for place, page in pages():
        file = pathlib.Path(sys.argv[1]) / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page)
