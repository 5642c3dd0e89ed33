"""Does a dataset hold what its file promises? Every line of its contract, tried on the clips themselves.

`check_dataset("./mine.py", roots={"mine": folder})` does for a dataset of one's own what the project's tests do for
every dataset on the shelf. Of all files only the headers are read; some clips are decoded, and files of one size are
compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from noss import shelf
from noss.datasets import Dataset
from noss.errors import DataError
from noss.pipeline._check_counts import check_clips
from noss.pipeline._check_files import check_files, look
from noss.pipeline._check_lengths import check_lengths
from noss.pipeline._check_sound import check_sound
from noss.pipeline._check_twins import check_twins
from noss.pipeline._clips import Source, find
from noss.pipeline._split import folds
from noss.pipeline._verdict import Verdict
from noss.pipeline._whereabouts import looks_like
from noss.runs import cache_folder

NUM_HEARD: Final = 200


def check_dataset(
    name: str,
    *,
    roots: Mapping[str, Path],
    cache: Path | None = None,
    listen: int | Literal["all"] = NUM_HEARD,
    seed: int = 0,
) -> list[Verdict]:
    """Try a dataset by its name: its facts, its files, its sound, its labels, its speakers and its splits.

    Args:
        name: A name on the shelf, a path behind a wrapper, or the path of a Python file; a target in it is ignored.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`.
        cache: The cache folder; None for the default one.
        listen: How many clips to decode, or `all`.
        seed: The seed by which they are drawn.

    Raises:
        NossError: There is no such dataset, or its clips cannot be listed.
    """
    source = find(name, roots=roots, cache=cache)
    seen = look([clip.path for clip in source.clips])
    return [
        *check_card(source.card),
        *_layout(source),
        *check_clips(source.card, source.clips),
        *check_files(source, seen),
        *check_lengths(source, seen),
        *check_sound(source, seen, listen=listen, seed=seed),
        *check_twins(source, seen, memo=cache_folder(cache) / "files.sqlite"),
        *(Verdict("remark", None, line) for line in source.remarks),
        *(verdict for target in source.card.targets for verdict in _target(source, target)),
    ]


def check_card(card: Dataset) -> list[Verdict]:
    """Try the facts that a dataset states about itself."""
    stated = {"source": card.source, "licence": card.licence.removeprefix("unknown"), "citation": card.citation}
    absent = [fact for fact, text in stated.items() if not text]
    metrics = {card.metric, *card.metrics.values()}
    foreign = sorted(metrics - set(shelf.names("metrics")))
    by_target = (card.shared_targets, card.metrics, card.families, card.num_by_label)
    undeclared = sorted({target for fact in by_target for target in fact} - set(card.targets))
    return [
        Verdict("facts", None if absent else True, f"states no {', '.join(absent)}" if absent else card.source),
        Verdict("metric", not foreign, f"no metric {', '.join(foreign)}" if foreign else ", ".join(sorted(metrics))),
        Verdict("targets", not undeclared, ", ".join(undeclared or card.targets) or "none: for embedding only"),
    ]


def _layout(source: Source) -> Iterator[Verdict]:
    lacks_clips = len(source.clips) < source.card.num_clips  # else it is laid out otherwise, and whole
    if lacks_clips and source.card.signs and not looks_like(source.card, source.root):
        yield Verdict("layout", None, f"{source.root} lacks some of {', '.join(source.card.signs)}")


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
    remarks = [line for line in (*task.warnings, *protocol.warnings) if line not in source.warnings]
    return [
        Verdict(f"{target}: labels", not absent, f"no clip of {', '.join(absent[:5])}" if absent else about),
        Verdict(f"{target}: splits", True, f"{protocol.name}, speakers {protocol.speakers}"),
        *(Verdict(f"{target}: remark", None, remark) for remark in remarks),
    ]


def _classes(counts: Counter[str | float]) -> str:
    (_, most), (rarest, least) = counts.most_common()[0], counts.most_common()[-1]
    return f"{len(counts)} classes of {least:,} to {most:,}" + (f" (one clip only: {rarest})" if least == 1 else "")
