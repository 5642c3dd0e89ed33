"""The Vega libraries as one script that needs no network."""

from __future__ import annotations

import contextlib
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
    path = cache / "scripts" / f"vega-{version('vl-convert-python')}.js"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    script = _bundled()
    _keep(path, script)
    return script


@lru_cache(maxsize=1)
def _bundled() -> str:
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    assert "</script" not in script.lower()
    return script


def _keep(path: Path, script: str) -> None:
    """Write whole or not at all; a cache that cannot be written costs seconds and nothing else."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=path.parent, delete=False) as file:
            file.write(script)
        Path(file.name).replace(path)
