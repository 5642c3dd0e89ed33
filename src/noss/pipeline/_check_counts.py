"""The counts of a dataset: clips, speakers, splits and labels, expected against found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from noss.datasets import Clip, Dataset
from noss.pipeline._verdict import Verdict

_NUM_SHOWN: Final = 5


def check_clips(card: Dataset, clips: Sequence[Clip]) -> list[Verdict]:
    """Try a list of clips against the facts: counts of clips, speakers, splits and labels, and no clip twice."""
    speakers = {clip.speaker for clip in clips if clip.speaker is not None}
    nameless = sum(clip.speaker is None for clip in clips)
    verdicts = [_count("clips", len(clips), card.num_clips), _each_once(clips)]
    if card.num_speakers is not None:
        verdicts.append(_count("speakers", len(speakers), card.num_speakers))
    if nameless:
        verdicts.append(Verdict("speakers known", None, f"{nameless:,} of {len(clips):,} clips do not say who speaks"))
    return [*verdicts, *_by_split_and_label(card, clips)]


def _count(name: str, found: int, declared: int) -> Verdict:
    agrees = found == declared
    return Verdict(name, agrees, f"{found:,} {name}" + ("" if agrees else f", {declared:,} declared"))


def _each_once(clips: Sequence[Clip]) -> Verdict:
    seen = Counter((clip.path, clip.start_s, clip.end_s) for clip in clips)
    twice = [(str(path), "listed twice") for (path, _, _), count in seen.items() if count > 1]
    detail = f"{len(twice):,} listed twice (first: {twice[0][0]})" if twice else "no clip twice"
    return Verdict("each once", not twice, detail, twice)


def _by_split_and_label(card: Dataset, clips: Sequence[Clip]) -> Iterator[Verdict]:
    if card.num_by_split:
        found = Counter(str(clip.split) for clip in clips if clip.split is not None)
        yield _counts("clips by split", found, {str(split): number for split, number in card.num_by_split.items()})
    for target, declared in card.num_by_label.items():
        found = Counter(str(clip.labels[target]) for clip in clips if target in clip.labels)
        yield _counts(f"clips by {target}", found, declared)


def _counts(name: str, found: Counter[str], declared: Mapping[str, int]) -> Verdict:
    """A label that is not declared is told with the target's labels; one whose count nobody published is passed over."""
    off = {key: f"{key} {found[key]:,} of {number:,}" for key, number in declared.items() if found[key] != number}
    if off:
        more = f" and {len(off) - _NUM_SHOWN:,} more" if len(off) > _NUM_SHOWN else ""
        return Verdict(name, False, ", ".join([*off.values()][:_NUM_SHOWN]) + more)
    shown = [f"{key} {number:,}" for key, number in declared.items()]
    return Verdict(name, True, ", ".join(shown) if len(shown) <= 2 * _NUM_SHOWN else f"all {len(shown):,} as declared")
