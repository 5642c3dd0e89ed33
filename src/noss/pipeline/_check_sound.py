"""The sound of a dataset: clips decoded, and listened to for clipping, silence and an offset from zero."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from noss.audio.read import stream
from noss.datasets import Clip
from noss.errors import AudioError
from noss.pipeline._check_files import Seen, in_threads, named
from noss.pipeline._clips import Source
from noss.pipeline._verdict import Verdict

FULL_SCALE: Final = 0.999
CLIPPED_SHARE: Final = 0.001
SILENT_PEAK: Final = 0.001  # -60 dB
OFFSET: Final = 0.01  # -40 dB
_WINDOW_S: Final = 60.0
_ODD: Final = {
    "clipping": f"at full scale for {CLIPPED_SHARE:.1%} of their samples or more",
    "silence": "never louder than -60 dB",
    "offset": "off zero by -40 dB or more on average",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sound:
    """A clip as it sounds, mixed down: its peak, its mean, and the share of its samples at full scale."""

    peak: float = 0.0
    mean: float = 0.0
    full: float = 0.0
    wrong: str = ""


def check_sound(
    source: Source, seen: Mapping[Path, Seen], *, listen: int | Literal["all"], seed: int = 0
) -> list[Verdict]:
    """Decode some clips and try what is heard; what does not decode is a failure, all else a remark.

    Args:
        source: The dataset.
        seen: What is known of its files.
        listen: How many clips to decode, drawn from `seed`, or `all`.
        seed: The seed of the draw.
    """
    good = [clip for clip in source.clips if seen[clip.path].header is not None]
    clips = good if listen == "all" or listen >= len(good) else random.Random(seed).sample(good, listen)
    heard = in_threads(lambda clip: _listen(clip, seen), clips)
    damaged = [(str(clip.path), sound.wrong) for clip, sound in zip(clips, heard, strict=True) if sound.wrong]
    some = "" if len(clips) == len(good) else f", drawn by seed {seed}: --listen all decodes all"
    count = f"{len(clips):,} of {len(good):,} clips decoded{some}"
    if damaged:
        return [Verdict("sound", False, f"{count}; {len(damaged):,} fail, first: {damaged[0][1]}", damaged)]
    return [Verdict("sound", True if clips else None, count), *_odd(source.root, clips, heard)]


def _listen(clip: Clip, seen: Mapping[Path, Seen]) -> _Sound:
    header = seen[clip.path].header
    assert header is not None
    rate, start_s, end_s = header.sample_rate, clip.start_s, clip.end_s
    length, total, full, peak = 0, 0.0, 0, 0.0
    try:
        for window_T in stream(clip.path, sample_rate=rate, window_s=_WINDOW_S, start_s=start_s, end_s=end_s):
            level_T = np.abs(window_T)
            length, total = length + len(window_T), total + float(window_T.sum(dtype=np.float64))
            full, peak = full + int(np.count_nonzero(level_T >= FULL_SCALE)), max(peak, float(level_T.max()))
    except AudioError as error:
        return _Sound(wrong=str(error))
    return _Sound(peak=peak, mean=total / length, full=full / length)


def _odd(root: Path, clips: Sequence[Clip], heard: Sequence[_Sound]) -> Iterator[Verdict]:
    for name, what in _ODD.items():
        files = [(str(clip.path), what) for clip, sound in zip(clips, heard, strict=True) if _is_odd(sound, name)]
        if files:
            yield Verdict(name, None, f"{named(files, root)} are {what}", files)
        elif clips:
            yield Verdict(name, True, f"none is {what}")


def _is_odd(sound: _Sound, name: str) -> bool:
    return {
        "clipping": sound.full >= CLIPPED_SHARE,
        "silence": sound.peak < SILENT_PEAK,
        "offset": abs(sound.mean) >= OFFSET,
    }[name]
