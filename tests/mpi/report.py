#!/usr/bin/env python3
"""report.py FILE [FIELD=VALUE...] [COMMAND]: a report of the profiler, as JSON and as text beside it.

FIELD is a path such as job.packages or ranks.0.mpi_calls. COMMAND: truth (each package against its machine), region OUTPUT
(that, and region 2 against the times that phases.c printed), in_mpi OUTPUT (energy in MPI against them), beside OUTPUT DOMAINS
(truth, and that by the widest scope of the nodes: see check.py), limited OUTPUT SHARES (time at each limit), none (no energy).
75: nothing is wrong, but the machine was too busy for all of it to be tested."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check import EDGE_NS, LIMITS, beside_of, energies_j, finish, gpu_of, limits_in_words, machine_of, reported_limits, true_j, untested, widest  # noqa: E402


def field(report, path):
    for name in path.split("."):
        report = report[int(name)] if isinstance(report, list) else report[name]
    return report


def truth(report):
    job, ranks, total, bound, late_ns = report["job"], report["ranks"], 0.0, 0.0, 0
    for p in report["packages"]:
        r = ranks[p["read_by_rank"]]
        total += true_j(report["nodes"][p["node"]]["host"], p["pci_address"], p["energy_j"], p["uncertainty_j"],
                        (p["begin_ns"], p["end_ns"]))
        late_ns = max(late_ns, p["begin_ns"] - r["begin_ns"])
        assert p["end_ns"] >= r["end_ns"] - EDGE_NS, f"read {p}, there {r}"
        bound += p["uncertainty_j"]
        assert p["energy_in_mpi_j"] <= p["energy_j"]
    assert total > 0 and abs(job["energy_j"] - total) <= bound + 1e-3
    assert abs(sum(r["share_j"] for r in ranks) - job["energy_j"]) < 1e-2, "shares"
    assert abs(sum(n["energy_j"] for n in report["nodes"]) - job["energy_j"]) < 1e-2, "nodes"
    for r in ranks:
        assert 0 <= r["time_in_mpi_s"] <= job["duration_s"] + 1e-3
    # The profiler takes a rank's begin right before that of its window.
    if late_ns > EDGE_NS:
        untested.append(f"a rank was held up for {late_ns / 1e9} s between its begin and that of its window")
    print(f"   {job['energy_j']} J +- {job['uncertainty_j']} J, truth {total:.1f} J")


def lines_of(output, kind):
    """What phases.c printed of this kind: rank and times."""
    with open(output, encoding="utf-8") as f:
        words = [line.split() for line in f]
    return [[int(w) for w in line[1:]] for line in words if line[0] == kind]


def in_mpi(report, output):
    """Of the GPU that rank 1 has for itself. Between two readings the energy is split by the times in and out of MPI. When
    it was read depends on the load, which the program tells: so what comes out is known on any machine. What remains is
    the time that readings took and that in other calls (MPI_Bcast, the wait for the other ranks at the end); twice, as a
    rank may lose its processor between a call and the time that is taken of it."""
    most_w = 600
    waits = [times for _, *times in lines_of(output, "wait")]
    mine = next(p for p in report["packages"] if p["read_by_rank"] == 1)
    directory = machine_of(report["nodes"][mine["node"]]["host"])
    gpu = gpu_of(directory, mine["pci_address"])
    rank, reads = report["ranks"][1], [times for _, *times in lines_of(output, "read")]
    moments = [rank["begin_ns"], *(begin for begin, _ in reads), rank["end_ns"]]
    split_j = 0.0
    for a, b in zip(moments, moments[1:]):
        waited_ns = sum(max(0, min(b, end) - max(a, begin)) for begin, end in waits)
        split_j += energies_j(directory, a, b)[gpu] * waited_ns / (b - a)
    in_mpi_s, reported_s = sum(b - a for a, b in waits) / 1e9, rank["time_in_mpi_s"]
    within_j = 2 * most_w * (abs(reported_s - in_mpi_s) + sum(b - a for a, b in reads) / 1e9) + mine["uncertainty_j"]
    by_time_j = mine["energy_j"] * reported_s / report["job"]["duration_s"]
    in_mpi_j = mine["energy_in_mpi_j"]
    said = f"{in_mpi_j} J in MPI, truth {split_j:.1f} +- {within_j:.1f} J, by time alone {by_time_j:.1f} J"
    assert reads, "the counters were never read"
    assert abs(in_mpi_j - split_j) <= within_j, said
    if abs(by_time_j - split_j) < 1.5 * within_j:
        untested.append(f"energy and time in MPI are too near to each other: {said}")
    print(f"   {said}")


def region(report, output):
    """Each rank was in it for longer than the inner times that it printed, and for less than the outer ones."""
    truth(report)
    said, visits = report["regions"][0], {}
    for rank, *times in lines_of(output, "region"):
        visits.setdefault(rank, []).append(times)
    assert said["times"] == 3 * int(os.environ["LONGER"]), said
    assert len(visits) == len(report["ranks"]) and all(len(of) == said["times"] for of in visits.values())
    edges = (1, 2), (0, 3)
    least_s, most_s = (max(sum(v[end] - v[begin] for v in of) for of in visits.values()) / 1e9 for begin, end in edges)
    assert least_s - 1e-6 <= said["duration_s"] <= most_s + 1e-6, f"{said}: {least_s} to {most_s} s"
    least_j = most_j = 0.0
    for p in report["packages"]:
        directory = machine_of(report["nodes"][p["node"]]["host"])
        gpu = gpu_of(directory, p["pci_address"])
        used_j = [sum(energies_j(directory, v[begin], v[end])[gpu] for v in of)
                  for begin, end in edges for of in visits.values()]
        least_j += min(used_j)
        most_j += max(used_j)
    assert said["packages"] == len(report["packages"])
    uncertainty_j = said["uncertainty_j"]
    assert least_j - uncertainty_j <= said["energy_j"] <= most_j + uncertainty_j, f"{said}: {least_j} to {most_j} J"
    if uncertainty_j >= 0.2 * least_j:
        untested.append(f"{said}: the bound says nothing of {least_j} to {most_j} J")
    print(f"   region {said['energy_j']} J +- {uncertainty_j} J, truth {least_j:.1f} to {most_j:.1f} J")


def whole(output):
    """From before MPI_Init to after MPI_Finalize, of all ranks."""
    times = [of for _, *of in lines_of(output, "whole")]
    return min(begin for begin, _ in times), max(end for _, end in times)


def beside(report, output, domains):
    truth(report)
    for i, n in enumerate(report["nodes"]):
        mine = [r for r in report["ranks"] if r["node"] == i]
        inner = max(r["begin_ns"] for r in mine), min(r["end_ns"] for r in mine)
        energies = [n[name] for name in ("energy_j", "uncertainty_j", "widest_energy_j", "widest_uncertainty_j")]
        if not widest(machine_of(n["host"]), energies, inner, whole(output), beside_of(domains)(i)):
            untested.append("a package that counted twice would not have been noticed")
    job = report["job"]
    assert abs(job["widest_energy_j"] - sum(n["widest_energy_j"] for n in report["nodes"])) < 1e-2, job
    said = f"{job['widest_energy_j']:.3f} J +- {job['widest_uncertainty_j']:.3f} J of the nodes, each by its widest scope"
    assert (said in report["text"]) == (domains.strip("/") != ""), report["text"]


def at_limit(report, output, shares):
    truth(report)
    for p in report["packages"]:
        rank = report["ranks"][p["read_by_rank"]]
        reported_limits(p["pci_address"], p["energy_j"] / p["duration_s"], p["limited"], shares,
                        (rank["begin_ns"], rank["end_ns"]), whole(output), report["text"])
    counts = {name: [p["limited"][name] for p in report["packages"]] for name in LIMITS}
    sums = {name: None if None in of else sum(of) for name, of in counts.items()}
    assert report["job"]["limited"] == sums, report["job"]
    assert limits_in_words("packages", None, sums) in report["text"], report["text"]


def none(report):
    """Not 0 J: nothing is known."""
    job = report["job"]
    assert job["packages"] == 0 and job["energy_in_mpi_j"] is None, job
    for one in [job] + report["nodes"]:
        assert one["scope"] == "none", one
        assert all(one[name] is None for name in ("energy_j", "uncertainty_j", "widest_energy_j", "widest_uncertainty_j")), one
    assert all(r["share_j"] is None and r["share_uncertainty_j"] is None for r in report["ranks"]), report["ranks"]
    assert all(g["energy_j"] is None and g["uncertainty_j"] is None for g in report["regions"]), report["regions"]
    assert not re.search(r" 0\.000 +0\.000 ", report["text"]), report["text"]


def overhead(report, text):
    """Numbers, the same in both forms, and less than the time that they are a part of."""
    o, line = report["overhead"], re.search(r"overhead +([0-9.]+) s in that time on the slowest rank \(([0-9.]+) %\)", text)
    cost_s = o["readings_s"] + o["calls_s"]
    assert all(v >= 0 for v in o.values()) and o["open_s"] > 0 and o["finish_s"] > 0, o
    assert 0 < cost_s < report["job"]["duration_s"], f"{o} of {report['job']['duration_s']} s"
    assert line and abs(float(line[1]) - cost_s) < 2e-6, f"{cost_s} s in {text}"
    assert abs(float(line[2]) - 100 * cost_s / report["job"]["duration_s"]) < 0.1 + 0.01 * float(line[2]), text


def main():
    with open(sys.argv[1] + ".json", encoding="utf-8") as f:
        report = json.load(f)
    with open(sys.argv[1] + ".txt", encoding="utf-8", errors="replace") as f:
        text = f.read()
    words = sys.argv[2:]
    while words and "=" in words[0]:
        path, value = words.pop(0).split("=", 1)
        assert str(field(report, path)) == value, f"{path} is {field(report, path)!r}, not {value}"
    if report["job"]["packages"] > 0:
        assert f"{report['job']['energy_j']:.3f} J +- {report['job']['uncertainty_j']:.3f} J" in text, text
    else:
        assert "energy    none" in text, text
    for one in report["regions"]:
        assert f"\n{one['name']:<24} {one['times']:6d} " in text, text
    overhead(report, text)
    report["text"] = text
    if words:
        {"truth": truth, "region": region, "in_mpi": in_mpi, "beside": beside, "limited": at_limit,
         "none": none}[words[0]](report, *words[1:])
    finish()


if __name__ == "__main__":
    main()
