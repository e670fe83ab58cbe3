"""python -m benchmarks: measure attention on this machine; the supplement draws the results.

Three runs of about nine minutes, written to results.json. They mean something only on an idle
machine, and it must run Linux.
"""

import datetime
import os
import sys

from benchmarks import attention, measure, measurements

RUNS = 3


def main() -> None:
    if sys.platform != "linux":
        sys.exit("memory is read from /proc, so this needs Linux")
    results = {"attention": []}
    for _ in range(RUNS):
        run = {
            "date": datetime.date.today().isoformat(),
            "load": round(os.getloadavg()[0], 2),  # processes that waited for a core
            "rates": attention.limits(),
            "times": attention.times(),
            "memory": attention.memory(),
        }
        results["attention"].append(run)
        results["machine"] = measure.machine()  # the frameworks are loaded now
        measurements.write(results)
        measure.progress()
    print(f"{measurements.FILE.name} is written; make supplement draws it")


if __name__ == "__main__":
    main()
