#!/usr/bin/env python3
"""check.py RESULT [FIELD=VALUE...]: a result of job.c against the truth of the machines it ran on.

Each package's energy lies within its bound of the machine file's integral over the reading's own time, and so does the
sum; the time is that of the job. Fields are those of the result, as numbers; shares=equal: all ranks have as much;
beside=cpu,memory/node: what the widest scope of each node has beside its packages (node: all of it); limited=0,0.25: the share
of the time at each limit, of every package, limited_status=-7: why there is none. The machine of the hosts node-b and node-682452 is MACHINE_B, that of all others
MACHINE_A. 75: nothing is wrong, but the machine was too busy for all of it to be tested."""
import functools
import json
import os
import subprocess
import sys

# simulator/run, in whose machine this runs, has built it, and says where.
SIMULATOR = os.path.join(os.environ["CARGO_TARGET_DIR"], "simulator/zeus-amd-sim")
# A reading's time is the driver's: at the end before the call's, and at the begin after it where the driver has a new table just then.
EDGE_NS = 20_000_000
# What the machine was too busy for. It is said at the end: a wrong value fails in any case.
untested = []


def finish():
    if untested:
        print("\n".join(untested))
        sys.exit(75)


@functools.lru_cache(maxsize=None)  # of what is past, and of what the machine has from its start
def ask(*words):
    return json.loads(subprocess.run([SIMULATOR, *words], check=True, capture_output=True, text=True).stdout)


def machine_of(host):
    return os.environ["MACHINE_B" if host in ("node-b", "node-682452") else "MACHINE_A"]


def gpu_of(directory, pci_address):
    """The GPU's place in the machine's lists."""
    gpus = ask("truth", "--dir", directory)["gpus"]
    # A partition may be told apart by the PCI function.
    slot = pci_address.split(".")[0]
    return next(i for i, g in enumerate(gpus) if g["bdf"].split(".")[0] == slot and not g["secondary_die"])


def energies_j(directory, begin_ns, end_ns, *domains):
    return ask("energy", "--dir", directory, str(begin_ns), str(end_ns), *domains)


def true_j(host, pci_address, energy_j, uncertainty_j, times):
    """The true energy, to which one of a package is held; times are begin and end of its reading."""
    directory = machine_of(host)
    truth = energies_j(directory, *times)[gpu_of(directory, pci_address)]
    assert abs(energy_j - truth) <= uncertainty_j + 1e-3, f"{pci_address}: {energy_j} J +- {uncertainty_j} J, the truth is {truth} J"
    assert truth > 0.05, f"{truth} J were used, so nothing was tested"
    return truth


def beside_of(words):
    """The domains of a node by its index."""
    of_nodes = [of.split(",") if of else [] for of in words.split("/")]
    return lambda node: of_nodes[node % len(of_nodes)]


def widest(directory, energies, inner, outer, beside):
    """What a node has by its widest scope, against the formulas of what measures it (beside): no less than they have for the
    time in which all ranks measured, and no more than for the time around. energies: of the packages, and of the widest scope,
    each with its bound. Says whether a package that counted twice would have been noticed."""
    gpus_j, gpus_within, widest_j, within = energies
    if beside != ["node"]:
        widest_j, within = widest_j - gpus_j, within - gpus_within
    if not beside:
        assert (widest_j, within) == (0, 0), f"{widest_j} J beside the packages"
        return True
    least, most = (sum(energies_j(directory, *times, *beside)) for times in (inner, outer))
    said = f"{beside}: {widest_j} J +- {within} J, in truth {least} to {most} J"
    assert least > 0 and least - within - 1e-3 <= widest_j <= most + within + 1e-3, said
    print(f"   {said}")
    return gpus_j == 0 or most + within < widest_j + gpus_j


# In the order of the shares.
LIMITS = ["cycles", "prochot", "package_power", "socket_temperature", "regulator_temperature", "memory_temperature"]


def shares_of(text):
    """Of the cycles, by limit; None ("-"): not counted."""
    return [None if word == "-" else float(word) for word in text.split(",")]


def limited(package, shares, rank_times, outer):
    """Time at a limit: cycles of a millisecond, of which the machine file has these shares."""
    assert package["limited_status"] == 0, package
    cycles, *held = package["limited"]
    took_ns = package["limited_ns"]
    assert rank_times[1] - rank_times[0] - EDGE_NS <= took_ns <= outer[1] - outer[0] + EDGE_NS, package
    assert abs(cycles - took_ns / 1e6) <= 1, package
    for have, share in zip(held, shares, strict=True):
        assert have is None if share is None else abs(have - share * cycles) <= 1, package


def limits_in_words(of, mean_w, cycles):
    """The line that a report's text has of an object "limited"; mean_w: None: not known."""
    words = {"package_power": "package power", "socket_temperature": "socket temperature",
             "regulator_temperature": "temperature of the voltage regulators", "memory_temperature": "memory temperature"}
    held = [f"{100 * cycles[key] / cycles['cycles']:.1f} % by {name}" for key, name in words.items() if cycles[key]]
    if cycles["package_power"] and mean_w is not None:
        held[0] += f", {mean_w:.1f} W"
    return f"\n{of}: {', '.join(held)}\n".replace(" % by ", " % of the time limited by ", 1)


def reported_limits(of, mean_w, cycles, shares, inner, outer, text):
    """An object "limited" of a report, and its line in the text."""
    counted = [cycles[name] for name in LIMITS]
    limited({"limited_status": 0, "limited": counted, "limited_ns": counted[0] * 1_000_000}, shares_of(shares), inner, outer)
    line = limits_in_words(of, mean_w, cycles)
    assert line in text, (line, text)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        result = json.load(f)
    ranks = result["ranks"]
    result["flags"] &= ~2048  # POLLED_AGAIN: when a counter last advanced depends on the machine
    shares = [r["share_mj"] for r in ranks]
    beside, limits = None, None
    for name, value in (w.split("=", 1) for w in sys.argv[2:]):
        if name == "beside":
            beside = beside_of(value)
        elif name == "limited":
            limits = shares_of(value)
        elif name == "limited_status":
            assert {p[name] for p in result["package"]} == {int(value)}, result
        elif name == "shares":
            assert value == "equal" and 0 < max(shares) <= min(shares) + 1, shares
        else:
            assert result[name] == int(value), f"{name} is {result[name]}, not {value}: {result}"

    truth_j = total_j = uncertainty_j = 0.0
    for p in result["package"]:
        if p["rank"] < 0:
            assert p["energy_mj"] == 0 and p["status"] < 0, p
            continue
        rank = ranks[p["rank"]]
        least, mean, most = p["spread_mj"]
        assert least <= mean <= most and least <= p["energy_mj"] <= most and (p["duplicates"] > 0 or least == most), p
        if limits is not None:
            limited(p, limits, (rank["begin_ns"], rank["end_ns"]), result["around"])
        truth_j += true_j(rank["host"], p["pci"], p["energy_mj"] / 1e3, p["uncertainty_mj"] / 1e3, (p["begin_ns"], p["end_ns"]))
        assert p["begin_ns"] <= rank["begin_ns"] + EDGE_NS and p["end_ns"] >= rank["end_ns"] - EDGE_NS, f"read {p}, there {rank}"
        total_j += p["energy_mj"] / 1e3
        uncertainty_j += p["uncertainty_mj"] / 1e3
    assert abs(total_j - result["energy_mj"] / 1e3) < 1e-6 * (1 + total_j), "the total is not the sum"
    assert abs(uncertainty_j - result["uncertainty_mj"] / 1e3) < 1e-6 * (1 + uncertainty_j), "nor its bound"
    for name in "energy_mj", "uncertainty_mj", "widest_mj", "widest_uncertainty_mj", "packages", "ranks":
        total = len(ranks) if name == "ranks" else result[name]
        assert sum(n[name] for n in result["node"]) == total, f"{name} of the nodes"
    assert result["scope"] == min(n["scope"] for n in result["node"]), "the narrowest"
    noticed = True
    for i, n in enumerate(result["node"] if beside is not None else []):
        mine = [r for r in ranks if r["node"] == i]
        inner = max(r["begin_ns"] for r in mine), min(r["end_ns"] for r in mine)
        energies = [n[name] / 1e3 for name in ("energy_mj", "uncertainty_mj", "widest_mj", "widest_uncertainty_mj")]
        noticed &= widest(machine_of(n["host"]), energies, inner, result["around"], beside(i))
    if not noticed:
        untested.append("a package that counted twice would not have been noticed")
    # Ranks that wait for a processor widen the bounds of short times; and a power that lags by seconds bounds nothing so soon.
    averaged = result["flags"] & 64
    if not averaged and (len(ranks) == 1 or result["duration_ns"] >= 1e9):
        if uncertainty_j > 0.2 * truth_j + 1e-9:
            untested.append(f"an uncertainty of {uncertainty_j} J for {truth_j} J says nothing")
    print(f"   {result['energy_mj'] / 1e3:.1f} J +- {uncertainty_j:.1f} J, truth {truth_j:.1f} J, "
          f"{result['packages']} packages, {len(ranks)} ranks")
    finish()


if __name__ == "__main__":
    main()
