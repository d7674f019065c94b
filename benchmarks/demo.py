"""How long the demonstration takes, as users see it: JSON lines.  Goal: 60 s on two cores."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOGBANK = Path(sys.executable).parent / "fogbank"


def report(name: str, value: float, unit: str, **more: object) -> None:
    print(json.dumps({"benchmark": name, "value": round(value, 3), "unit": unit, **more}))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(FOGBANK), "demo", "--json", "--out", f"{folder}/out"]
        shown = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    figures = json.loads(shown)
    report("demo", figures["seconds"], "s", goal=60, cores=os.cpu_count(), tasks=figures["tasks"])
    rate = figures["fuel_total"] / figures["seconds"] / 1e9
    report("demo_accepted_work", rate, "gigafuel/s", cores=os.cpu_count())


if __name__ == "__main__":
    main()
