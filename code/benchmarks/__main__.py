"""python -m benchmarks [--quick]: measure attention on this machine and print a table of ratios.

Three runs of about nine minutes; the results go to results.json, which the supplement draws. They
mean something only on an idle machine, and it must run Linux. --quick tries two sizes and keeps
nothing.
"""

import argparse
import sys

from benchmarks import attention, measure, measurements

RUNS = 3
RIVALS = ("torch", "jax", "plain")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two sizes and few rounds")
    quick = parser.parse_args().quick
    if sys.platform != "linux":
        parser.error("memory is read from /proc, so this needs Linux")
    results = {"attention": []}
    for _ in range(1 if quick else RUNS):
        run = {
            **measure.now(),
            "rates": attention.limits(),
            "times": attention.times(quick),
            "memory": attention.memory(quick),
        }
        results["attention"].append(run)
        results["machine"] = measure.machine()  # the frameworks are loaded now
        measure.progress()
        if not quick:
            measurements.write(results)
    print(table(results))


def table(results: dict) -> str:
    """Milliseconds of ours, the others' time / ours, the limit / ours, and MiB held."""
    heads = "".join(f"{name:>8}" for name in [*RIVALS, "limit"])
    lines = [
        ", ".join(f"{key} {value}" for key, value in results["machine"].items()),
        f"{'':8} {'N':>6} {'ms':>9}{heads} {'MiB':>8}",
    ]
    held = measurements.held(results, "ours")
    for dtype in attention.TYPES:
        for N, seconds in measurements.seconds(results, dtype, "ours").items():
            ratios = [measurements.ratio(results, dtype, N, rival) for rival in RIVALS]
            ratios.append(measurements.limit(results, dtype, N) / seconds)
            shown = "".join(f"{ratio:8.2f}" for ratio in ratios)
            memory = f" {held[N] / 2**20:8.1f}" if dtype == "float32" else ""
            lines.append(f"{dtype:8} {N:6} {1e3 * seconds:9.2f}{shown}{memory}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
