"""Split your own table into train, dev and test, by the rule of the NOSS benchmark."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Literal, get_args

from noss.datasets import Split, _splitter
from noss.datasets._table import Table, read, rewritten
from noss.errors import DataError
from noss.pipeline._clips import find
from noss.pipeline._request import words
from noss.places import is_address, path_of
from noss.runs import replacing

PARTS = ("train=0.6", "dev=0.2", "test=0.2")
_NUM_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Division:
    """A table that was split.

    Attributes:
        path: The table that was written.
        by: The column of groups.
        num_clips: Clips by split.
        num_groups: Groups by split.
        warnings: Loud lines.
    """

    path: Path
    by: str
    num_clips: Mapping[Split, int]
    num_groups: Mapping[Split, int]
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = [
            f"  {part:<5}  {self.num_clips[part]:,} clips, {self.num_groups[part]:,} of {self.by}"
            for part in self.num_clips
        ]
        return "\n".join([f"{self.path}:", *counts, *(f"note: {line}" for line in self.warnings)])


def split(
    name: str,
    *,
    out: Path | str,
    method: Literal["inter", "intra"] = "inter",
    number: int = _splitter.NUMBER,
    parts: Sequence[str] = PARTS,
    by: str = "speaker",
    small: Literal["skip", "error"] = "skip",
    overwrite: bool = False,
) -> Division:
    """Write a table again with a column `split`; the same number gives the same split, everywhere and always.

    Args:
        name: Your table: `csv/./calls.csv`.
        out: The table to write; paths in it are relative to its own folder.
        method: With inter nobody is in two splits, with intra everybody is in all: then only known voices are scored.
        number: Another number, another split; 666 is that of the published ones.
        parts: Shares as `SPLIT=SHARE`, of train, dev and test, that add up to one.
        by: The column that says what to keep together, or with intra what to divide.
        small: With intra, whether a group with fewer clips than parts is left out of the split, or an error.
        overwrite: Whether to replace `out` where it exists, and a column `split` where the table has one.

    Raises:
        DataError: It is no table, has no such column, or too few groups; the shares are wrong; or `out` exists.
    """
    source, path, shares = find(name, roots={}).root, path_of(out).expanduser(), _shares(parts)
    if not source.is_file():
        raise DataError(f"{name} is no table: give one, as csv/TABLE")
    if path.exists() and not overwrite:
        raise DataError(f"{path} exists already: give another --out, or --overwrite to replace it")
    if not 0 <= number < 2**32:
        raise DataError(f"the number {number} is not from 0 to {2**32 - 1:,}: give another one")
    table = read(source)
    groups = _groups(table, by)
    splits = _splitter.inter(groups, shares, number=number) if method == "inter" else None
    found = splits or _splitter.intra(groups, shares, number=number)
    left_out = Counter(group for group, part in zip(groups, found, strict=True) if part is None)
    _check_small(left_out, len(set(groups)), by=by, small=small, num_parts=len(shares))
    columns = _columns(table, found, method=method)
    _check_columns(table, columns, overwrite=overwrite)
    with replacing(path) as temporary:
        temporary.write_bytes(rewritten(source, columns | _moved(table, path)))
    return Division(
        path=path,
        by=by,
        num_clips={part: found.count(part) for part in shares},
        num_groups={part: len(_in(groups, found, part)) for part in shares},
        warnings=(*_left_out_line(left_out, by=by, num_parts=len(shares)), *_lines(table, found, shares)),
    )


def _shares(parts: Sequence[str]) -> dict[Split, float]:
    shares: dict[Split, float] = {}
    for word in words(parts):
        name, _, text = word.partition("=")
        try:
            share = float(text)
        except ValueError:
            share = 0.0
        part = next((known for known in get_args(Split) if known == name), None)
        if part is None or part in shares or not 0 < share <= 1:
            raise DataError(f"the part {word!r} is not SPLIT=SHARE: write, for example, {','.join(PARTS)}")
        shares[part] = share
    if abs(1 - sum(shares.values())) > 1e-8:
        raise DataError(f"the shares add up to {sum(shares.values()):g} and need to add up to 1: mend --parts")
    return shares


def _groups(table: Table, by: str) -> list[str]:
    if by not in table.columns:
        known = ", ".join(table.columns)
        raise DataError(f"{table.path} has no column {by!r} (its columns: {known}): name one with --by")
    groups = table.column(by)
    if "" in groups:
        raise table.error(groups.index(""), f"no {by}: fill it in, so that the split knows what to keep together")
    return groups


def _check_small(left_out: Counter[str], num_groups: int, *, by: str, small: str, num_parts: int) -> None:
    if left_out and (small == "error" or len(left_out) == num_groups):
        (line,) = _left_out_line(left_out, by=by, num_parts=num_parts)
        raise DataError(f"{line}; give fewer --parts, or leave them out with --small skip")


def _left_out_line(left_out: Counter[str], *, by: str, num_parts: int) -> list[str]:
    if not left_out:
        return []
    named = ", ".join(f"{group} ({count})" for group, count in list(left_out.items())[:_NUM_NAMED])
    more = f" and {len(left_out) - _NUM_NAMED} more" if len(left_out) > _NUM_NAMED else ""
    return [f"{len(left_out)} of {by} with fewer than {num_parts} clips are in no split: {named}{more}"]


def _columns(table: Table, found: Sequence[Split | None], *, method: str) -> dict[str, list[str]]:
    """The split, and whether it shares speakers by design: without that word, a table that does is refused."""
    columns: dict[str, list[str]] = {"split": [part or "" for part in found]}
    if method == "intra" and "speaker" in table.columns:
        columns["speakers"] = ["shared"] * len(table)
    elif set(table.column("speakers")) == {"shared"}:
        columns["speakers"] = [""] * len(table)
    return columns


def _check_columns(table: Table, columns: Mapping[str, list[str]], *, overwrite: bool) -> None:
    taken = [name for name in columns if any(table.column(name))]
    if taken and not overwrite:
        raise DataError(f"{table.path} has a column {taken[0]!r} already: take it out, or give --overwrite")


def _moved(table: Table, path: Path) -> dict[str, list[str]]:
    """The column of files as seen from another folder."""
    here, there = table.path.resolve().parent, path.resolve().parent
    if here == there:
        return {}
    is_far = is_address(here) or is_address(there)
    way = str(here) if is_far else Path(os.path.relpath(here, there)).as_posix()
    files = (file.replace("\\", "/") for file in table.column("file"))
    return {
        "file": [
            file if not file or PureWindowsPath(file).root or is_address(file) else f"{way}/{file}" for file in files
        ]
    }


def _in(groups: Sequence[str], found: Sequence[Split | None], part: Split) -> set[str]:
    return {group for group, split in zip(groups, found, strict=True) if split == part}


def _lines(table: Table, found: Sequence[Split | None], shares: Mapping[Split, float]) -> list[str]:
    lines = [f"{part} is empty: give it a larger share" for part in shares if part not in found]
    speakers = table.column("speaker")
    times = Counter(speaker for part in shares for speaker in _in(speakers, found, part) if speaker)
    both = sum(count > 1 for count in times.values())
    if both:
        lines.append(
            f"{both} of {len(times)} speakers are in more than one split: a score on it says nothing about new voices"
        )
    return lines
