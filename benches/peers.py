"""What other software takes for the same, beside this library from Python: AMD's package and Zeus, unchanged, in one process
on a simulated machine. Prints lines of run.sh's table. Zeus's and AMD's calls end in a simulated libamd_smi, which is
faster than AMD's: their figures are those of the way there and of their own work.
usage: ZEUS_AMD_LIBRARY=... PYTHONPATH=python:AMDSMI python peers.py"""

import statistics
import time

import amdsmi
import zeus_amd
from zeus.device.gpu.amd import AMDGPUs


def us(call, times):
    """Median of single calls, in microseconds."""
    took = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - begun)
    return statistics.median(took) / 1e3


def line(what, ours, theirs, whose):
    print(f"{what}|{ours:.1f} us|{theirs:.1f} us for {whose}|{ours / theirs:.3f}||")


def zeus_window(gpus, count):
    """What Zeus's monitor does at both ends of a window."""
    before = [gpus.get_total_energy_consumption(i) for i in range(count)]
    after = [gpus.get_total_energy_consumption(i) for i in range(count)]
    return sum(after) - sum(before)


def main():
    z, gpus = zeus_amd.Session(), AMDGPUs()
    handle, count = amdsmi.amdsmi_get_processor_handles()[0], len(z)
    line("one energy, Python", us(lambda: z.energy_mj(0), 2000), us(lambda: amdsmi.amdsmi_get_energy_count(handle), 500), "AMD's package")
    line("one energy, Python", us(lambda: z.energy_mj(0), 2000), us(lambda: gpus.get_total_energy_consumption(0), 500), "Zeus")
    window = z.window()

    def ours():
        window.restart()
        window.read()

    line(f"window over {count} GPUs, Python", us(ours, 1000), us(lambda: zeus_window(gpus, count), 200), "Zeus")


main()
