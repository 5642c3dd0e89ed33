"""Make the virtual environment and install noss into it, with the build of PyTorch that fits this machine.

    python3 install.py            the base install
    python3 install.py demo       and an extra (demo, dev, all, ...)
    NOSS_VENV=.venv-litert python3 install.py export-litert       this one is best in an environment of its own

PyPI's Linux wheel of PyTorch brings some 3 GB of CUDA libraries. Where there is no NVIDIA GPU, and pip would fetch
that wheel, the CPU wheel is taken from PyTorch's own index first; the rest then finds it installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = Path(os.environ.get("NOSS_VENV", HERE / ".venv"))
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CONSTRAINTS = HERE / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ALONE = {"dev": ["hearvalidator"]}  # its requirements name tensorflow, which would lie over tensorflow-cpu

LOOSE = {  # litert-torch's tools want older versions of these than the other extras, so: an environment of its own
    "export-litert": {"anyio", "immutabledict", "pydantic", "pydantic_core", "typing-inspection", "typing_extensions"}
}


def constraints(extras: list[str]) -> str:
    """The file of pinned versions, less the pins that an extra cannot be installed under."""
    loose = set().union(*(LOOSE.get(extra, set()) for extra in extras))
    if not loose:
        return str(CONSTRAINTS)
    kept = [line for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if line.split("==")[0] not in loose]
    path = FOLDER / "constraints.txt"
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return str(path)


def torch_pin() -> str:
    """The version of torch in the constraints file, as a requirement."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def brings_cuda(requirement: str) -> bool:
    """Whether pip, left alone, would install the CUDA build."""
    command = [PYTHON, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-", requirement]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = [item["metadata"]["name"].lower() for item in json.loads(answer[answer.index("{") :])["install"]]
    return any(name.startswith(("nvidia", "cuda", "triton")) for name in names)


def main() -> None:
    """Make the environment, then install."""
    if not PYTHON.exists():
        venv.create(FOLDER, with_pip=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if shutil.which("nvidia-smi") is None and brings_cuda(torch_pin()):
        subprocess.run([*pip, torch_pin(), "--index-url", CPU_INDEX], check=True)
    extras = ",".join(sys.argv[1:])
    target = f"{HERE}[{extras}]" if extras else str(HERE)
    pins = constraints(sys.argv[1:])
    subprocess.run([*pip, "-c", pins, "-e", target], check=True)
    for extra in sys.argv[1:]:
        for package in ALONE.get(extra, []):
            subprocess.run([*pip, "-c", pins, "--no-deps", package], check=True)
    (FOLDER / f".installed-{'-'.join(sys.argv[1:]) or 'base'}").touch()


if __name__ == "__main__":
    main()
