"""Demo: 864 short clips made on this machine by eSpeak NG, for trying things out offline.

Six languages' reading rules applied to the same twelve international words, so that the word does not tell the
language, in six speaking styles, by 24 voices that all speak every language in every style. Pitch, rate, level, pauses
and background noise vary from clip to clip, so that no task is solved by one number.

The clips are written below the root on first use. They are the same bytes on every machine: their SHA-256 is checked
each time the corpus is opened, and a corpus that is incomplete or damaged is made again. A machine whose eSpeak NG
speaks otherwise is told so; the variable `NOSS_DEMO_UNCHECKED=1` lets it go on, with a warning beside every score.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import random
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss.datasets import Clip, Dataset, Split
from noss.datasets._espeak import SAMPLE_RATE, Line, synthesise
from noss.errors import DataError

LANGUAGES = ("de", "en", "es", "fi", "fr", "tr")
STYLES = ("neutral", "question", "excited", "monotone", "fast", "slow")
WORDS = (
    "banana", "domino", "hotel", "metro", "opera", "panda", "piano", "radio", "safari", "tango", "taxi", "video",
)  # fmt: skip
# Voices without breath noise and without the Klatt synthesiser, which both draw random numbers at run time.
SPEAKERS = (
    "Annie", "Denis", "Jacky", "aunty", "belinda", "boris", "ed", "f1", "f4", "grandma", "gustave", "linda",
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "norbert", "shelby", "steph", "zac",
)  # fmt: skip
DIGEST = "53f9e6db6523f36048b39a40e522e0a36eacdb5b58cd116da87f9f64c1dec339"
UNCHECKED = "NOSS_DEMO_UNCHECKED"

DATASET = Dataset(
    title="noss demo: synthetic voices, languages, styles and words",
    source="eSpeak NG 1.52.0 (https://github.com/espeak-ng/espeak-ng), spoken on this machine by espeakng-loader 0.2.4",
    licence="CC0-1.0",
    citation="eSpeak NG, version 1.52.0, 2024",
    targets={"language": LANGUAGES, "speaker": SPEAKERS, "style": STYLES, "word": WORDS},
    metric="uar",
    num_clips=864,
    hours=0.174,
    num_speakers=24,
    speakers="disjoint",
    shared_targets=("speaker",),
    language=LANGUAGES,
    notes=(
        "Synthetic speech: good for trying things out, no evidence about human voices.",
        "eSpeak NG is GPL-3.0-or-later and is loaded at run time; the clips it speaks are free of it.",
        "The published split is for `speaker` only: half of a speaker's clips train, a sixth select, a third test.",
    ),
    families={"language": "language", "speaker": "speaker", "style": "style", "word": "words"},
    num_by_split={"train": 432, "dev": 144, "test": 288},
    num_by_label={
        "language": dict.fromkeys(LANGUAGES, 144),
        "speaker": dict.fromkeys(SPEAKERS, 36),
        "style": dict.fromkeys(STYLES, 144),
        "word": dict.fromkeys(WORDS, 72),
    },
)

_SPLITS: tuple[Split, ...] = ("train", "train", "train", "dev", "test", "test")
_PAUSE = {"question": "?", "excited": "!"}
_RATE = {"excited": 1.12, "fast": 1.35, "slow": 0.72}
_PITCH = {"excited": 18}
_RANGE = {"excited": 85, "monotone": 4}


@dataclass(frozen=True, kw_only=True)
class _Take:
    speaker: str
    language: str
    style: str
    word: str
    split: Split

    @property
    def file(self) -> str:
        return f"{self.speaker}/{self.language}_{self.style}_{self.word}.wav"


def default_root(cache: Path) -> Path:
    """Where the clips are kept when no root is given: below the cache, by their hash."""
    return cache / f"demo-{DIGEST[:8]}"


def warnings(root: Path) -> list[str]:
    """A loud line where the clips are not the published ones."""
    if _digest(root) == DIGEST:
        return []
    return [f"the demo clips in {root} are not the published ones: no score on them compares with another machine's"]


def clips(root: Path) -> Iterator[Clip]:
    """Every clip, made first where it is missing.

    Raises:
        DataError: eSpeak NG speaks otherwise here, or the root cannot be written.
        MissingExtraError: The clips must be made and espeakng-loader is not installed.
    """
    if _digest(root) != DIGEST:
        _make(root)
    for take in _takes():
        labels = {"language": take.language, "speaker": take.speaker, "style": take.style, "word": take.word}
        yield Clip(path=root / take.file, labels=labels, speaker=take.speaker, split=take.split, sentence=take.word)


def _takes() -> list[_Take]:
    return [
        _Take(
            speaker=speaker,
            language=language,
            style=style,
            word=WORDS[(2 * second + third + 5 * first) % len(WORDS)],
            split=_SPLITS[(second + third) % 6],
        )
        for first, speaker in enumerate(SPEAKERS)
        for second, language in enumerate(LANGUAGES)
        for third, style in enumerate(STYLES)
    ]


def _make(root: Path) -> None:
    takes = _takes()
    spoken = synthesise([_line(take) for take in takes])
    files = {take.file: _wav(_record(take, waveform)) for take, waveform in zip(takes, spoken, strict=True)}
    digest = hashlib.sha256()
    for file, content in files.items():
        digest.update(file.encode() + content)
    if digest.hexdigest() != DIGEST and os.environ.get(UNCHECKED) != "1":
        raise DataError(
            f"eSpeak NG speaks otherwise on this machine (hash {digest.hexdigest()[:12]}, published {DIGEST[:12]}): "
            f"pip install espeakng-loader==0.2.4, or set {UNCHECKED}=1 to go on with clips that compare with no other's"
        )
    try:
        for file, content in files.items():
            _write(root / file, content)
    except OSError as error:
        raise DataError(f"cannot write the demo clips to {root}: {error.strerror}; give --root demo=DIR") from error


def _line(take: _Take) -> Line:
    who, how = random.Random(take.speaker), random.Random(take.file)
    rate = who.randrange(135, 190) * _RATE.get(take.style, 1.0) * how.randrange(92, 109) / 100
    pitch = who.randrange(35, 65) + how.randrange(-6, 7) + _PITCH.get(take.style, 0)
    pitch_range = _RANGE.get(take.style, 50) + how.randrange(-4, 13)
    return Line(
        voice=f"{take.language}+{take.speaker}",
        text=take.word + _PAUSE.get(take.style, "."),
        rate=int(rate),
        pitch=min(pitch, 99),
        range=pitch_range,
    )


def _record(take: _Take, waveform_T: NDArray[np.int16]) -> NDArray[np.int16]:
    # Whole numbers only: floating point rounds differently from processor to processor.
    how = random.Random(f"{take.file} recorded")
    before, after = (how.randrange(SAMPLE_RATE // 50, SAMPLE_RATE // 5) for _ in range(2))
    gain = how.randrange(9_000, 30_000)
    quiet_T = (np.pad(waveform_T, (before, after)).astype(np.int64) * gain) >> 15
    level = math.isqrt(int(np.sum(quiet_T**2)) // len(waveform_T))
    noise_T = np.frombuffer(how.randbytes(2 * len(quiet_T)), dtype="<i2").astype(np.int64)
    loudness = level * how.randrange(20, 400) // 1024
    return np.clip(quiet_T + ((noise_T * loudness) >> 15), -32_768, 32_767).astype("<i2")


def _wav(waveform_T: NDArray[np.int16]) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(waveform_T.tobytes())
    return memory.getvalue()


def _digest(root: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        for take in _takes():
            digest.update(take.file.encode() + (root / take.file).read_bytes())
    except OSError:
        return None
    return digest.hexdigest()


def _write(path: Path, content: bytes) -> None:
    # Never seen half-written, by a second process or after a kill: whole bytes under another name, then the name.
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
