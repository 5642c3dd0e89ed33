"""The files of a dataset, as the disk and their headers show them: none is decoded.

What is not there is told from the dataset's own list of the complete corpus where it has one (`expected`), else from
the clips that it lists.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from noss.audio._faults import is_git_lfs_pointer
from noss.audio.read import Info, info
from noss.datasets._files import stem, walk
from noss.errors import AudioError
from noss.pipeline._clips import Source
from noss.pipeline._verdict import Verdict

_BLOCK: Final = 256  # files that a thread takes at a time
_NUM_NAMED: Final = 3
_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A file as it was found.

    Attributes:
        header: What its header says; None where it cannot be used.
        wrong: Why it cannot, in one line.
        size: In bytes; None where there is no file.
        is_link: Whether it is a symbolic link.
    """

    header: Info | None = None
    wrong: str = ""
    size: int | None = None
    is_link: bool = False


def look(paths: Sequence[Path]) -> dict[Path, Seen]:
    """Every file once, in order: whether it is there, and its header."""
    unique = list(dict.fromkeys(paths))
    return dict(zip(unique, in_threads(_look, unique), strict=True))


def in_threads(work: Callable[[_Item], _Found], items: Sequence[_Item]) -> list[_Found]:
    """What `work` gives for every item, in order."""
    blocks = [items[first : first + _BLOCK] for first in range(0, len(items), _BLOCK)]
    with ThreadPoolExecutor() as pool:
        return [found for block in pool.map(lambda block: [*map(work, block)], blocks) for found in block]


def named(files: Sequence[tuple[str, str]], root: Path) -> str:
    """How many files there are, and the first of them as seen from the root."""
    first = ", ".join(file.removeprefix(f"{root}/") for file, _ in files[:_NUM_NAMED])
    return f"{len(files):,} ({'first: ' if len(files) > _NUM_NAMED else ''}{first})"


def check_files(source: Source, seen: Mapping[Path, Seen]) -> list[Verdict]:
    """Try the files: all there, readable, of one format, and told apart by more than capitals."""
    headers = [one.header for one in seen.values() if one.header is not None]
    return [
        _there(source, seen),
        *_readable(source.root, seen),
        *([_format(headers)] if headers else []),
        *_links(source.root, seen),
        *_capitals(source.root, seen),
    ]


def _look(path: Path) -> Seen:
    try:
        size, is_link = os.stat(path).st_size, os.path.islink(path)  # noqa: PTH114, PTH116 - 100,000 times
    except OSError as error:
        is_link = os.path.islink(path)  # noqa: PTH114
        return Seen(wrong="a link that leads nowhere" if is_link else error.strerror or str(error), is_link=is_link)
    try:
        return Seen(header=info(path), size=size, is_link=is_link)
    except AudioError as error:
        return Seen(wrong=str(error), size=size, is_link=is_link)


def _there(source: Source, seen: Mapping[Path, Seen]) -> Verdict:
    missing = [(str(path), f"missing: {one.wrong}") for path, one in seen.items() if one.size is None]
    num_wanted = len(seen)
    if hasattr(source.module, "expected"):
        wanted = list(source.module.expected(source.root))
        there, listed = {stem(path) for path in walk(source.root)}, {stem(file) for file, _ in missing}
        absent = (str(source.root / path) for path in wanted if path not in there)
        missing += [(file, "missing: not in its folder") for file in absent if file not in listed]
        num_wanted = max(len(wanted), len(missing))
    if missing:
        have = f"{num_wanted - len(missing):,} of {num_wanted:,} files; missing are {named(missing, source.root)}"
        return Verdict("files", False, have, missing)
    return Verdict("files", True, f"{num_wanted:,} of {num_wanted:,} files")


def _readable(root: Path, seen: Mapping[Path, Seen]) -> Iterator[Verdict]:
    broken = [(path, one) for path, one in seen.items() if one.header is None and one.size is not None]
    pointers = [(str(path), "a Git LFS pointer, no audio") for path, _ in broken if is_git_lfs_pointer(path)]
    files = {file for file, _ in pointers}
    others = [(str(path), one.wrong) for path, one in broken if str(path) not in files]
    if pointers:
        what = f"{named(pointers, root)} are pointers, no audio: run git lfs pull in {root}"
        yield Verdict("git lfs", False, what, pointers)
    if others:
        yield Verdict("headers", False, f"{len(others):,} cannot be read, first: {others[0][1]}", others)
    elif not pointers:
        yield Verdict("headers", True, "all can be read")


def _format(headers: Sequence[Info]) -> Verdict:
    formats = Counter(f"{header.sample_rate} Hz, {header.channels} ch" for header in headers)
    listed = "; ".join(f"{count:,} at {name}" for name, count in formats.most_common(5))
    return Verdict("format", None if len(formats) > 1 else True, listed)


def _links(root: Path, seen: Mapping[Path, Seen]) -> Iterator[Verdict]:
    links = [(str(path), one.wrong or "a symbolic link") for path, one in seen.items() if one.is_link]
    nowhere = [(file, why) for file, why in links if why == "a link that leads nowhere"]
    if links:
        lost = f", of which lead nowhere {named(nowhere, root)}" if nowhere else ""
        yield Verdict("links", None, f"{len(links):,} files are symbolic links{lost}", links)


def _capitals(root: Path, seen: Mapping[Path, Seen]) -> Iterator[Verdict]:
    alike: dict[str, list[str]] = defaultdict(list)
    for path in map(str, seen):
        alike[path.casefold()].append(path)
    files = [(path, f"differs only in capitals from {same[0]}") for same in alike.values() for path in same[1:]]
    if files:
        what = f"{named(files, root)} differ from another only in capitals: not every disk can hold both"
        yield Verdict("capitals", None, what, files)
