"""Does a dataset hold what its file promises? Every line of its contract, tried on the clips themselves.

`check_dataset("./mine.py", roots={"mine": folder})` does for a dataset of one's own what the project's tests do for
every dataset on the shelf.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from noss import shelf
from noss.audio.read import Info, info
from noss.datasets import Clip, Dataset
from noss.errors import AudioError, DataError
from noss.identity import digests
from noss.pipeline._clips import Source, find
from noss.pipeline._split import folds
from noss.pipeline._verdict import Verdict
from noss.runs import cache_folder

SHORT_S = 0.1
_SLACK_S = 0.05
_Headers = Mapping[Path, Info | str]


def check_dataset(name: str, *, roots: Mapping[str, Path], cache: Path | None = None) -> list[Verdict]:
    """Try a dataset by its name: its facts, its files, its labels, its speakers and its splits.

    Args:
        name: A name on the shelf, a path behind a wrapper, or the path of a Python file; a target in it is ignored.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`.
        cache: The cache folder; None for the default one.

    Raises:
        NossError: There is no such dataset, or its clips cannot be listed.
    """
    source = find(name, roots=roots, cache=cache)
    headers = _headers(source.clips)
    return [
        *check_card(source.card),
        *check_clips(source.card, source.clips),
        *_files(source, headers, memo=cache_folder(cache) / "files.sqlite"),
        *(verdict for target in source.card.targets for verdict in _target(source, target)),
    ]


def check_card(card: Dataset) -> list[Verdict]:
    """Try the facts that a dataset states about itself."""
    stated = {"source": card.source, "licence": card.licence.removeprefix("unknown"), "citation": card.citation}
    absent = [fact for fact, text in stated.items() if not text]
    metrics = {card.metric, *card.metrics.values()}
    foreign = sorted(metrics - set(shelf.names("metrics")))
    undeclared = sorted({*card.shared_targets, *card.metrics} - set(card.targets))
    return [
        Verdict("facts", None if absent else True, f"states no {', '.join(absent)}" if absent else card.source),
        Verdict("metric", not foreign, f"no metric {', '.join(foreign)}" if foreign else ", ".join(sorted(metrics))),
        Verdict("targets", not undeclared, ", ".join(undeclared or card.targets) or "none: for embedding only"),
    ]


def check_clips(card: Dataset, clips: Sequence[Clip]) -> list[Verdict]:
    """Try a list of clips against the facts: counts of clips and speakers, and no clip twice."""
    speakers = {clip.speaker for clip in clips if clip.speaker is not None}
    twice = [key for key, count in Counter((c.path, c.start_s, c.end_s) for c in clips).items() if count > 1]
    counted = f"{len(clips):,} clips" + ("" if len(clips) == card.num_clips else f", {card.num_clips:,} declared")
    nameless = sum(clip.speaker is None for clip in clips)
    verdicts = [
        Verdict("clips", len(clips) == card.num_clips, counted),
        Verdict(
            "each once", not twice, f"{len(twice)} listed twice (first: {twice[0][0]})" if twice else "no clip twice"
        ),
    ]
    if card.num_speakers is not None:
        told = f"{len(speakers):,} speakers" + (
            "" if len(speakers) == card.num_speakers else f", {card.num_speakers:,} declared"
        )
        verdicts.append(Verdict("speakers", len(speakers) == card.num_speakers, told))
    if nameless:
        verdicts.append(Verdict("speakers known", None, f"{nameless:,} of {len(clips):,} clips do not say who speaks"))
    return verdicts


def _headers(clips: Sequence[Clip]) -> _Headers:
    paths = list(dict.fromkeys(clip.path for clip in clips))
    with ThreadPoolExecutor() as pool:
        return dict(zip(paths, pool.map(_header, paths), strict=True))


def _header(path: Path) -> Info | str:
    try:
        return info(path)
    except AudioError as error:
        return str(error)


def _files(source: Source, headers: _Headers, *, memo: Path) -> list[Verdict]:
    broken = [reason for reason in headers.values() if isinstance(reason, str)]
    good = {path: header for path, header in headers.items() if isinstance(header, Info)}
    readable = (
        f"{len(broken):,} of {len(headers):,} cannot be read (first: {broken[0]})" if broken else f"{len(good):,} files"
    )
    verdicts = [Verdict("files", not broken, readable)]
    if good:
        rates = Counter(f"{header.sample_rate} Hz, {header.channels} ch" for header in good.values())
        listed = "; ".join(f"{count:,} at {rate}" for rate, count in rates.most_common(5))
        verdicts += [Verdict("format", None if len(rates) > 1 else True, listed), *_lengths(source, good)]
    return [*verdicts, *_twins(source.clips, memo=memo)]


def _lengths(source: Source, good: Mapping[Path, Info]) -> list[Verdict]:
    clips = [clip for clip in source.clips if clip.path in good]
    ends = [good[clip.path].duration_s if clip.end_s is None else clip.end_s for clip in clips]
    length_N = np.array([end - clip.start_s for clip, end in zip(clips, ends, strict=True)])
    hours, declared = float(length_N.sum()) / 3_600, source.card.hours
    median = f"{length_N.min():.2f} to {length_N.max():.2f} s, median {np.median(length_N):.2f} s"
    beyond = [c for c, end in zip(clips, ends, strict=True) if max(end, c.start_s) > good[c.path].duration_s + _SLACK_S]
    num_short = int(np.sum(length_N < SHORT_S))
    close = None if not declared else abs(hours - declared) <= 0.1 * declared
    return [
        Verdict("hours", close, f"{hours:.2f} h" + (f", {declared:g} h declared" if close is False else "")),
        Verdict("lengths", None if num_short else True, f"{median}; {num_short:,} under {SHORT_S:g} s"),
        Verdict(
            "segments",
            not beyond,
            f"{len(beyond)} end behind their file (first: {beyond[0].path})" if beyond else "in their files",
        ),
    ]


def _twins(clips: Sequence[Clip], *, memo: Path) -> list[Verdict]:
    paths = list(dict.fromkeys(clip.path for clip in clips))
    same = defaultdict(list)
    for path, digest in zip(paths, digests(paths, memo=memo), strict=True):
        if isinstance(digest, str):
            same[digest].append(path)
    twins = [group for group in same.values() if len(group) > 1]
    if not twins:
        return [Verdict("same bytes", True, "no two files")]
    labels = {clip.path: clip.labels for clip in clips}
    apart = sum(any(labels[path] != labels[group[0]] for path in group) for group in twins)
    named = " and ".join(path.name for path in twins[0])
    return [Verdict("same bytes", None, f"{len(twins)} sets of files, {apart} with other labels (first: {named})")]


def _target(source: Source, target: str) -> list[Verdict]:
    try:
        task = source.task(target)
        protocol = folds(task)
    except DataError as error:
        return [Verdict(target, False, str(error))]
    declared = source.card.targets[target]
    counts = Counter(task.labels)
    about = f"{len(task.clips):,} clips, " + ("numbers" if declared is None else _classes(counts))
    absent = [] if declared is None else [label for label in declared if label not in counts]
    remarks = [*task.warnings, *protocol.warnings]
    return [
        Verdict(f"{target}: labels", not absent, f"no clip of {', '.join(absent[:5])}" if absent else about),
        Verdict(f"{target}: splits", True, f"{protocol.name}, speakers {protocol.speakers}"),
        *(Verdict(f"{target}: remark", None, remark) for remark in remarks),
    ]


def _classes(counts: Counter[str | float]) -> str:
    (_, most), (rarest, least) = counts.most_common()[0], counts.most_common()[-1]
    return f"{len(counts)} classes of {least:,} to {most:,}" + (f" (one clip only: {rarest})" if least == 1 else "")
