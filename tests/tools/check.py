#!/usr/bin/env python3
"""check.py [REPORT.json [TRUTH.json VISITS]]: a report of libzeus_amd_tools.so, judged by Python's own JSON, the schema in docs
(where the module jsonschema is there), and arithmetic; with the machine (simulator/run truth) and what tests/tools/regions.c
printed also by the machine's power formula: each region's energy lies within its uncertainty of the integral over its
visits. With nothing, the schema itself."""
import json
import math
import os
import sys

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/tools/regions.schema.json")


def microjoules(joules):
    """Without an energy there is nothing to add up."""
    return round((joules or 0) * 1e6)


def validator():
    """By the schema, which it takes as it is; None where the module is not there."""
    try:
        import jsonschema
    except ImportError:
        return None
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    return jsonschema.validators.validator_for(schema)(schema)


def load(path):
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    # Some kinds of entries are enough; thousands take minutes.
    judge = validator() if len(report["regions"]) <= 1000 else None
    if judge:
        judge.validate(report)
    return report


def path_of(report, region):
    names = []
    while region["parent"] is not None:
        names.append(region["name"])
        region = report["regions"][region["parent"]]
    return "/".join(reversed(names))


def arithmetic(report):
    """Exclusive energies add up to the total, exactly, on each GPU and together; inclusive ones of one thread are those of
    the children and the region's own."""
    regions = report["regions"]
    for i, region in enumerate(regions):
        assert region["id"] == i and (region["parent"] is None) == (i == 0), region
        assert region["parent"] is None or region["parent"] < i, region
    total = microjoules(report["run"]["energy_j"])
    assert sum(microjoules(r["exclusive"]["energy_j"]) for r in regions) == total, "exclusive energies are not the total"
    whole = regions[0]["inclusive"]
    assert (whole["energy_j"], whole["uncertainty_j"]) == (report["run"]["energy_j"], report["run"]["uncertainty_j"]), whole
    measured = [g["gpu"] for g in report["gpus"] if "energy_j" in g]
    assert sum(microjoules(g["energy_j"]) for g in report["gpus"] if "energy_j" in g) == total
    for place, gpu in enumerate(measured):
        one = microjoules(report["gpus"][gpu]["energy_j"])
        assert sum(microjoules(r["exclusive"]["gpus"][place]["energy_j"]) for r in regions) == one, f"GPU {gpu}"
    sums = [microjoules(r["exclusive"]["energy_j"]) for r in regions]
    for region in reversed(regions):
        if region["parent"] is not None:
            sums[region["parent"]] += sums[region["id"]]
    for region in regions:
        if not region["concurrent"]:
            assert microjoules(region["inclusive"]["energy_j"]) == sums[region["id"]], region
        assert region["time_s"] <= report["run"]["duration_s"] + 1e-6, region
        assert microjoules(region["inclusive"]["energy_j"]) <= total + 10, region


def upto(shape, t):
    """The integral of a machine's power from its start, in joules; written down anew, from the simulator's README."""
    kind = shape["kind"]
    if kind == "constant":
        return shape["w"] * t
    if kind == "sine":
        k = 2 * math.pi / shape["period_s"]
        return shape["mean"] * t - shape["amplitude"] / k * (math.cos(k * (t + shape["phase_s"])) - math.cos(k * shape["phase_s"]))
    assert kind == "square", kind
    period, high_s = shape["period_s"], shape["duty"] * shape["period_s"]

    def whole(x):
        full, rest = divmod(x, period)
        high = full * high_s + min(rest, high_s)
        return shape["high"] * high + shape["low"] * (x - high)

    return whole(t + shape["phase_s"]) - whole(shape["phase_s"])


def union(intervals):
    merged = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return merged


def by_gpu(shapes, energy):
    """What `energy` has of each GPU's load; many have the same."""
    known = {str(shape): energy(shape) for shape in {str(shape): shape for shape in shapes.values()}.values()}
    return {gpu: known[str(shape)] for gpu, shape in shapes.items()}


def check_exclusive(report, visits, epoch_ns, shapes):
    """Each moment's energy in equal parts to the innermost regions of the threads that are in any, to the run where none is. A visit
    begins between two times that were taken, and ends between two: what could be used then may be on either side."""
    edges, off_s = [], {}
    for path, times in visits.items():
        if path.startswith("range "):
            continue
        for before, begin, end, after, thread in times:
            edges.append(((before + begin) // 2, 1, thread, path))
            edges.append(((end + after) // 2, 0, thread, path))
            for off in path, path.rpartition("/")[0]:
                off_s[off] = off_s.get(off, 0) + (begin - before + after - end) / 1e9
    stacks, innermost, since = {}, {}, report["run"]["begin_ns"]
    spans = {}
    for at, begins, thread, path in sorted(edges, key=lambda edge: edge[0]) + [(report["run"]["end_ns"], None, None, None)]:
        for inner, threads in innermost.items():
            spans.setdefault(inner, []).append((since, at, threads / sum(innermost.values())))
        if not innermost:
            spans.setdefault("", []).append((since, at, 1))
        since = at
        if begins is None:
            break
        stack = stacks.setdefault(thread, [])
        stack.append(path) if begins else stack.remove(path)
        tops = [of[-1] for of in stacks.values() if of]
        innermost = {top: tops.count(top) for top in tops}
    several = any(region["concurrent"] for region in report["regions"])
    for region in report["regions"]:
        path = path_of(report, region)
        truths = by_gpu(shapes, lambda shape: sum(
            part * (upto(shape, (end - epoch_ns) / 1e9) - upto(shape, (begin - epoch_ns) / 1e9))
            for begin, end, part in spans.get(path, [])))
        for gpu in region["exclusive"]["gpus"]:
            shape, true_j = shapes[gpu["gpu"]], truths[gpu["gpu"]]
            most_w = shape.get("w", 0) or shape.get("high", 0) or shape["mean"] + shape["amplitude"]
            within_j = gpu["uncertainty_j"] + 1e-4 + most_w * (sum(off_s.values()) if several else off_s.get(path, 0))
            assert abs(gpu["energy_j"] - true_j) <= within_j, f"own energy of {path}, GPU {gpu['gpu']}: {gpu}, in truth {true_j} J +- {within_j} J"


def truth(report, machine, visits_path):
    visits = {}
    with open(visits_path, encoding="utf-8") as f:
        for line in f:
            *times, path = line.rstrip("\n").split(" ", 5)
            visits.setdefault(path, []).append([int(t) for t in times])
    assert visits, "no visits"
    said = {path_of(report, r): r for r in report["regions"]}
    said.update({"range " + r["name"]: r for r in report["ranges"]})
    slots = {g["bdf"].split(".")[0]: g for g in machine["gpus"] if not g["secondary_die"]}
    shapes = {g["gpu"]: slots[g["pci_address"].split(".")[0]]["power_shape"] for g in report["gpus"] if "energy_j" in g}

    def energies(intervals):
        epoch = machine["epoch_ns"]
        return by_gpu(shapes, lambda shape: sum(
            upto(shape, (end - epoch) / 1e9) - upto(shape, (begin - epoch) / 1e9) for begin, end in intervals))

    check_exclusive(report, visits, machine["epoch_ns"], shapes)
    widest = 0.0
    for path, times in visits.items():
        region = said[path]
        assert region["count"] == len(times), f"{path}: {region['count']} of {len(times)} visits"
        inner, outer = union([t[1], t[2]] for t in times), union([t[0], t[3]] for t in times)
        least_s, most_s = (sum(b - a for a, b in of) / 1e9 for of in (inner, outer))
        assert least_s * 0.999 - 1e-3 <= region["time_s"] <= most_s * 1.001 + 1e-3 or region.get("concurrent"), (
            f"{path}: {region['time_s']} s, in truth {least_s} to {most_s} s")
        of_inner, of_outer = energies(inner), energies(outer)
        for gpu in region["inclusive"]["gpus"]:
            least, most = of_inner[gpu["gpu"]], of_outer[gpu["gpu"]]
            energy_j, within = gpu["energy_j"], gpu["uncertainty_j"]
            assert least - within - 1e-5 <= energy_j <= most + within + 1e-5, (
                f"{path}, GPU {gpu['gpu']}: {energy_j} J +- {within} J, in truth {least} to {most} J")
            widest = max(widest, within / most)
    print(f"   {len(visits)} paths, {sum(map(len, visits.values()))} visits, the widest uncertainty {100 * widest:.0f} %")
    return visits


def main():
    if len(sys.argv) == 1:
        judge = validator()
        if judge:
            judge.check_schema(judge.schema)
        return
    report = load(sys.argv[1])
    arithmetic(report)
    if len(sys.argv) > 3:
        with open(sys.argv[2], encoding="utf-8") as f:
            truth(report, json.load(f), sys.argv[3])


if __name__ == "__main__":
    main()
