"""The Vega libraries as one script that needs no network."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path


def vega(cache: Path | None = None) -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, which sets `vegaEmbed`.

    Args:
        cache: Folder where the script is kept, since it takes seconds to bundle; None keeps nothing.
    """
    if cache is None:
        return _bundled()
    folder, name = cache / "scripts", f"vega-{version('vl-convert-python')}"
    if (script := _kept(folder, name)) is None:
        script = _bundled()
        _keep(folder / f"{name}-{_digest(script)}.js", script)
    return script


@lru_cache(maxsize=1)
def _bundled() -> str:
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    assert "</script" not in script.lower()
    return script


def _digest(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()[:32]


def _kept(folder: Path, name: str) -> str | None:
    """The script as it was kept; None where there is none, or its bytes are not those that its name says."""
    for path in folder.glob(f"{name}-*.js"):
        try:
            script = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
        if path.stem == f"{name}-{_digest(script)}":
            return script
    return None


def _keep(path: Path, script: str) -> None:
    """Write whole or not at all; a cache that cannot be written costs seconds and nothing else."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", dir=path.parent, delete=False) as file:
            file.write(script)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
