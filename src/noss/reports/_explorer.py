"""The explorer's page: maps of all clips to colour, filter, hear and compare, in one file that opens offline."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from noss.reports._explorer_facts import Atlas, Column, ModelMap
from noss.reports._render import environment, policy, source

_SCRIPTS = (
    "explorer_data.js",
    "explorer_paint.js",
    "explorer_map.js",
    "explorer_hands.js",
    "explorer_sound.js",
    "explorer_lists.js",
    "explorer.js",
)
_SOUNDS = "'self' file: data: blob:"  # files of the corpus, where they are


def write_explorer(
    atlases: Sequence[Atlas],
    path: Path,
    *,
    run: str,
    place: Path | None = None,
    report: str = "report.html",
    notes: Sequence[str] = (),
    version: str = "",
) -> None:
    """Write the page of a run's datasets.

    Args:
        atlases: A dataset each.
        path: The file to write.
        run: The run's name.
        place: Where the file will stand, which sounds are linked from; None for `path`.
        report: The file name of the run's report beside it.
        notes: What is not shown, and why.
        version: The version that made it.
    """
    script = "\n".join(map(source, _SCRIPTS))
    page = (
        environment()
        .get_template("explorer.html")
        .render(
            run=run,
            report=report,
            version=version,
            notes=notes,
            atlases=[(_facts(atlas), _block(atlas, place or path)) for atlas in atlases],
            policy=policy([script], media=_SOUNDS),
            script=Markup(script),
            style=Markup(source("page.css") + source("explorer.css")),
        )
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def _facts(atlas: Atlas) -> dict[str, Any]:
    return {"dataset": atlas.dataset, "num_clips": len(atlas.files), "models": [one.model for one in atlas.models]}


def _block(atlas: Atlas, place: Path) -> Markup:
    """Everything the scripts read of a dataset: JSON that no markup can end."""
    facts = {
        "dataset": atlas.dataset,
        "sound": {"near": _relative(atlas.root, place), "far": atlas.root.absolute().as_uri()},
        "files": _files(atlas.files),
        "starts": _packed(atlas.starts_s) if atlas.starts_s.any() else None,
        "ends": _packed(atlas.ends_s) if np.isfinite(atlas.ends_s).any() else None,
        "columns": [_column(column) for column in atlas.columns],
        "models": [_model(one) for one in atlas.models],
        "label": atlas.label,
        "notes": atlas.notes,
    }
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _relative(root: Path, place: Path) -> str:
    """The corpus as seen from the page; empty where they are on two drives."""
    try:
        return Path(os.path.relpath(root.absolute(), place.absolute().parent)).as_posix()
    except ValueError:
        return ""


def _files(files: Sequence[str]) -> dict[str, Any]:
    """File names as folders, each once, and the rest: paths repeat themselves."""
    split = [file.rpartition("/") for file in files]
    folders = {folder: place for place, folder in enumerate(sorted({head + slash for head, slash, _ in split}))}
    codes = np.array([folders[head + slash] for head, slash, _ in split], dtype=np.uint16)
    return {"folders": list(folders), "codes": _packed(codes), "names": [name for _, _, name in split]}


def _column(column: Column) -> dict[str, Any]:
    if column.numbers_N is not None:
        return {"name": column.name, "numbers": _packed(column.numbers_N)}
    assert column.codes_N is not None
    small = len(column.words) < 256
    return {"name": column.name, "words": column.words, "small": small, "codes": _packed(column.codes_N, small=small)}


def _model(one: ModelMap) -> dict[str, Any]:
    return {
        "model": one.model,
        "dim": one.dim,
        "share": round(one.share, 4),
        "planes": {name: _packed(plane_N2) for name, plane_N2 in one.planes.items()},
        "num_near": one.near_NK.shape[1],
        "near": _packed(one.near_NK),
        "distances": _packed(np.round(one.distances_NK * 32767).astype(np.uint16)),
        "columns": [_column(column) for column in one.columns],
    }


def _packed(array: NDArray[Any], *, small: bool = False) -> str:
    """Numbers as base64 of their bytes, little end first."""
    kind = np.dtype(np.uint8) if small else array.dtype
    return base64.b64encode(np.ascontiguousarray(array, dtype=kind.newbyteorder("<")).tobytes()).decode("ascii")
