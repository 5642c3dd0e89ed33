"""Results that are slow to make, kept beside a run and made again only when what they depend on changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from noss.runs import signature, slug, write_text


def kept(folder: Path, name: str, *, facts: Any, make: Callable[[], Any]) -> Any:
    """What `make` gives, as plain JSON facts: read from `folder` where it was made for the same `facts` before."""
    path, signed = folder / f"{slug(name)}.json", signature(facts)
    found = _read(path)
    if found.get("signature") == signed:
        return found["value"]
    value = make()
    write_text(path, json.dumps({"signature": signed, "value": value}, ensure_ascii=False, allow_nan=False) + "\n")
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "value" in found else {}
