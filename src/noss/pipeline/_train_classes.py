"""Classes to learn, from one column or from several: of several, a class is what all of them say of a clip.

A class of several columns is written as a JSON list, null where a column says nothing: `["de", null, "f"]`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from noss.datasets import Clip
from noss.errors import DataError


def class_of(clip: Clip, target: str | Sequence[str]) -> str | None:
    """The class of a clip, in words; `speaker`, where it is no column, is who speaks. None for a clip that has none."""
    if isinstance(target, str):
        return _value(clip, target)
    return json.dumps([_value(clip, name) for name in target], ensure_ascii=False)


def classes_of(clips: Mapping[str, Sequence[Clip]], target: str | Sequence[str] | None) -> tuple[str, ...]:
    """All classes of the clips of all sources, sorted; none without a target.

    Raises:
        DataError: A column has fewer than two values.
    """
    if not target:
        return ()
    everything = [clip for some in clips.values() for clip in some]
    for column in [target] if isinstance(target, str) else target:
        found = {value for clip in everything if (value := _value(clip, column)) is not None}
        if len(found) < 2:
            known = sorted({label for clip in everything for label in clip.labels})
            raise DataError(
                f"{len(found)} classes of {column!r} and two are needed at least: there are {', '.join(known) or 'no labels'}"
            )
    return tuple(sorted({name for clip in everything if (name := class_of(clip, target)) is not None}))


def codes(classes: Sequence[str], target: str | Sequence[str]) -> dict[str, list[int]]:
    """The number that each class (K,) has in each column by name, -1 where the column says nothing.

    Values are numbered as they sort.
    """
    if isinstance(target, str):
        return {target: list(range(len(classes)))}
    rows: list[list[str | None]] = [json.loads(name) for name in classes]
    return {name: _numbered(values) for name, values in zip(target, zip(*rows, strict=True), strict=True)}


def _numbered(values: Sequence[str | None]) -> list[int]:
    known = sorted({value for value in values if value is not None})
    return [-1 if value is None else known.index(value) for value in values]


def _value(clip: Clip, name: str) -> str | None:
    if name in clip.labels:
        return str(clip.labels[name]) or None
    return clip.speaker if name == "speaker" else None
