"""What a training run costs: time, processor seconds, and energy where the machine tells it.

It stands in `run.json`, session by session.

Energy is read from the counters that Linux keeps of whole processors (powercap, RAPL; since 2020 root alone may read them on most
machines). It is that of the machine, whoever else works on it. Where nothing is told, `estimated_joules` is core seconds
times `WATTS_A_CORE`, which is an assumption: a server's processor of 200 W shared by 20 cores.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, Final

from noss.runs import write_json

WATTS_A_CORE: Final = 10.0
_POWERCAP: Final = Path("/sys/class/powercap")


class Cost:
    """Counts from when it is made, and adds to a run's `run.json` whenever it is asked to.

    What a killed session had spent since its last checkpoint is not counted.

    Args:
        folder: The run's folder.
        gpus: Accelerators in use.
    """

    def __init__(self, folder: Path, *, gpus: int) -> None:
        self._path, self._gpus = folder / "run.json", gpus
        self._wall_s, self._core_s = time.monotonic(), core_seconds()
        self._counters = counters()

    def note(self) -> None:
        """Add what was spent since the last time."""
        wall_s, core_s, read = time.monotonic(), core_seconds(), counters()
        known = json.loads(self._path.read_text(encoding="utf-8"))
        spent = {
            "wall_s": wall_s - self._wall_s,
            "core_s": max(0.0, core_s - self._core_s),
            "gpu_s": self._gpus * (wall_s - self._wall_s),
        }
        if read and read.keys() == self._counters.keys():
            spent["measured_joules"] = joules(self._counters, read)
        else:
            spent["estimated_joules"] = WATTS_A_CORE * spent["core_s"]
        self._wall_s, self._core_s, self._counters = wall_s, core_s, read
        before = known.get("cost", {})
        summed = {name: round(before.get(name, 0.0) + value, 3) for name, value in spent.items()}
        write_json(self._path, {**known, "cost": {**before, **summed}})


def core_seconds() -> float:
    """Seconds that processor cores worked for this process and those that it started."""
    import psutil

    own = psutil.Process()
    found = sum(own.cpu_times()[:4])  # user, system, and both of children that have ended
    for child in own.children(recursive=True):
        try:
            found += sum(child.cpu_times()[:4])
        except psutil.NoSuchProcess:  # it ended meanwhile, and its parent's count has it
            continue
    return float(found)


def counters(powercap: Path = _POWERCAP) -> dict[str, tuple[int, int]]:
    """The energy counters of the machine's processors, and where each begins anew, in microjoules; none where none is told."""
    found = {}
    for zone in sorted(powercap.glob("intel-rapl:*")):
        if re.fullmatch(r"intel-rapl:\d+", zone.name):  # a processor; its parts have a second number
            try:
                found[zone.name] = tuple(
                    int((zone / name).read_text()) for name in ("energy_uj", "max_energy_range_uj")
                )
            except (OSError, ValueError):
                return {}
    return {name: (value, most) for name, (value, most) in found.items()}


def joules(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> float:
    """Energy between two readings; a counter that has begun anew is taken to have done so once."""
    spent = 0
    for name, (value, most) in after.items():
        first = before[name][0]
        spent += value - first if value >= first else value + most - first
    return spent / 1e6


def in_words(cost: dict[str, Any]) -> str:
    """The cost in a line; empty where none was counted."""
    if not cost:
        return ""
    found = [f"{cost['core_s'] / 3600:.3g} core hours"]
    if cost.get("gpu_s"):
        found.append(f"{cost['gpu_s'] / 3600:.3g} GPU hours")
    if "measured_joules" in cost:
        found.append(f"{cost['measured_joules'] / 3600:.3g} Wh measured (processors of the whole machine)")
    if "estimated_joules" in cost:
        found.append(f"about {cost['estimated_joules'] / 3600:.3g} Wh, an estimate: {WATTS_A_CORE:g} W a core")
    if cost.get("gpu_s"):
        found.append("what GPUs drew is not counted")
    return "; ".join(found)
