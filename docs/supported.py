"""Prints docs/supported.md: the releases that the library knows (src/amdsmi/releases.rs), and the GPUs and releases of the
simulator that the tests run on (simulator/models, simulator/machines, simulator/src/release.rs)."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]


def known():
    text = (ROOT / "src/amdsmi/releases.rs").read_text().split("static GENERATIONS", 1)[1].split("\n];", 1)[0]
    for block in re.split(r"\n    Generation \{", text)[1:]:
        rocm, words = (re.search(rf'{name}: "([^"]+)"', block)[1] for name in ("rocm", "words"))
        needs_lock = "..ROCM_10" not in block and "needs_lock: false" not in block
        yield rocm, words, "serialised" if needs_lock else "concurrent"


def tested():
    text = (ROOT / "simulator/src/release.rs").read_text().split("\nreleases! {", 1)[1].split("\n}", 1)[0]
    return re.findall(r'^    "([\d.]+)"', text, re.MULTILINE)


def models():
    """Of the machines, each by its file: `model = "mi300x"`."""
    for path in sorted((ROOT / "simulator/models").glob("*.toml")):
        text = path.read_text()
        value = lambda name, default="": (re.search(rf'^{name} = "?([^"\n]+)"?$', text, re.MULTILINE) or ["", default])[1]
        bits = re.search(r"^counter = .*bits = (\d+)", text, re.MULTILINE)
        none = re.search(r"^counter = .*missing", text, re.MULTILINE)
        counter = "none" if none else f"{bits[1] if bits else 64} bits"
        yield value("name"), value("metrics"), value("power_sensor", "current").replace("current", "instant"), counter


def page():
    yield "# Supported GPUs and ROCm releases\n"
    yield "Made by `docs/supported.py` from the sources; a test holds it to them.\n"
    yield "## libamd_smi\n"
    yield "The version that the library itself reports decides. One that is not here is refused by name, and sysfs serves the readings.\n"
    yield "| ROCm | libamd_smi | calls of several threads |\n|---|---|---|"
    yield from (f"| {rocm} | {words} | {calls} |" for rocm, words, calls in known())
    yield f"\nTested on simulated libraries of ROCm {', '.join(tested())}, and with none.\n"
    yield "## GPUs of the tests\n"
    yield "| GPU | gpu_metrics | power | energy counter |\n|---|---|---|---|"
    yield from (f"| {name} | {metrics} | {power} | {counter} |" for name, metrics, power, counter in models())
    yield "\nOther GPUs of these families have the same tables and serve as well. Where there is no counter, or one that is not trusted, energies are"
    yield "integrated from the power. README.md says what each family measures by."


if __name__ == "__main__":
    print("\n".join(page()))
