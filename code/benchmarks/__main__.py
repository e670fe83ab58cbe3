"""python -m benchmarks [--quick]: measure attention and the making of the report on this machine, and print tables of ratios.

Three runs of attention, each of them about nine minutes, then the report; the results go to results.json, which the report
draws. They mean something only on a machine that does nothing else. --quick tries everything on two sizes and keeps nothing.
"""

import argparse
import json

from benchmarks import attention, build, measure, measurements
from weaving.files import replace

RUNS = 3
RIVALS = {"torch": "PyTorch", "jax": "JAX", "plain": "plain"}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure attention and the making of the report.")
    parser.add_argument("--quick", action="store_true", help="two sizes and few rounds: does it run?")
    quick = parser.parse_args().quick
    results = {**measurements.read(), "attention": []}  # the report that the last part builds draws all of them
    for number in range(1 if quick else RUNS):
        results["attention"].append(run_attention(quick))
        results["machine"] = measure.machine()  # the frameworks are loaded now, and name their versions
        measure.progress()
        print(f"Run {number + 1}\n" + show_attention({"machine": results["machine"], **results["attention"][-1]}) + "\n")
        keep(results, quick)
    results["build"] = build.run(quick)
    measure.progress()
    print(build.show(results["build"]))
    keep(results, quick)


def keep(results, quick):
    if not quick:
        replace(measurements.FILE, (json.dumps(results, indent=1) + "\n").encode())


def run_attention(quick):
    return {**measure.now(), "rates": attention.limits(), "times": attention.times(quick), "memory": attention.memory(quick),
            "sheet": attention.sheet(quick), "without": attention.without(quick)}


def show_attention(run):
    lines = [", ".join(f"{key} {value}" for key, value in run["machine"].items() if value), f"{run['date']}, load at the start {run['load']}", ""]
    for dtype in attention.TYPES:
        rates = run["rates"][dtype]
        lines.append(f"{dtype}: products {rates['flops'] / 1e9:.0f} GFLOP/s, exponentials {rates['exponentials'] / 1e9:.2f} G/s")
    lines += [f"copying: {run['rates']['bytes'] / 1e9:.1f} GB/s", "", f"Attention, {measurements.HEADS} heads of {measurements.D}: ours in ms, the others' time / ours "
              "(median, quartiles), and the limit / ours", f"{'':8} {'N':>6} {'ours':>10}" + "".join(f"{name:>22}" for name in RIVALS.values()) + f"{'limit':>8}"]
    below = []
    for entry in run["times"]:
        ours = entry["seconds"]["ours"]
        line = f"{entry['dtype']:8} {entry['N']:6} {1e3 * measure.quartiles(ours)[1]:10.2f}"
        for rival, name in RIVALS.items():
            if rival in entry["seconds"]:
                low, middle, high = measure.quartiles(ratios(entry["seconds"], rival))
                line += f"{middle:8.2f} [{low:5.2f} {high:5.2f}]"
                if middle < 1:
                    below.append(f"{entry['dtype']} N = {entry['N']}{' wide logits' * (entry['scale'] > 1)}: {name} {middle:.2f}")
            else:
                line += " " * 22
        lines.append(line + f"{measurements.limit({'attention': [run]}, entry['dtype'], entry['N']) / measure.quartiles(ours)[1]:8.2f}" + " wide logits" * (entry["scale"] > 1))
    lines += ["below 1: " + ("; ".join(below) or "none"), "", "Bytes held beside inputs and output, float32, in MiB",
              f"{'N':>6}" + "".join(f"{name:>10}" for name in ("ours", *RIVALS.values()))]
    for entry in run["memory"]:
        lines.append(f"{entry['N']:6}" + "".join(f"{entry['bytes'][name] / 2**20:10.1f}" if name in entry["bytes"] else " " * 10 for name in ("ours", *RIVALS)))
    lines += ["", "Multi-head attention of the sheet, N = 5, D = 6: microseconds, PyTorch's module / ours"]
    for entry in run["sheet"]:
        low, middle, high = measure.quartiles(ratios(entry["seconds"], "torch"))
        lines.append(f"H = {entry['H']}: {1e6 * measure.quartiles(entry['seconds']['ours'])[1]:.0f}, {middle:.2f} [{low:.2f} {high:.2f}]")
    lines += ["", "Time of a variant / ours"]
    for entry in run["without"]:
        for name in entry["seconds"]:
            if name != "ours":
                low, middle, high = measure.quartiles(ratios(entry["seconds"], name))
                lines.append(f"{entry['dtype']:8} N = {entry['N']} {name:40}{middle:7.2f} [{low:.2f} {high:.2f}]")
    return "\n".join(lines)


def ratios(seconds, rival):
    """A rival's time over ours, round by round; nan where it sat out."""
    return [b / a if b is not None else float("nan") for a, b in zip(seconds["ours"], seconds[rival])]


if __name__ == "__main__":
    main()
