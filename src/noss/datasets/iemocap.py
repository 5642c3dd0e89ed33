"""IEMOCAP: ten actors talk in pairs, improvised and scripted. Target `emotion`, and three numbers.

`emotion` is the usual choice of four: angry, happy (with excited), neutral and sad, on 5,531 of the 10,039 utterances.
`valence`, `arousal` (the corpus says activation) and `dominance` are means of the raters' 1 to 5, on all utterances.

Layout, as `README.txt` of the release explains it: labels in `Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`, a line
`[6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]` an utterance (valence, activation, dominance) with
the raters' single votes below it; audio in `Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav`. The F in
`Ses01F` is who wears the markers; the F in `F000` is who speaks.

The folds leave one session, so two speakers, out each, as most papers do. Counts of utterances and their mean duration:
Busso et al. 2008; counts of emotions: the lists of EmoBox (https://github.com/emo-box/EmoBox) and SUPERB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset
from noss.datasets._files import Finder
from noss.datasets._lists import lines, wrong_line
from noss.errors import DataError

EMOTIONS: Mapping[str, str | None] = {
    "ang": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad",
    "fru": None, "sur": None, "fea": None, "dis": None, "oth": None, "xxx": None,
}  # fmt: skip
DIMENSIONS = ("valence", "arousal", "dominance")
NUM_SESSIONS = 5

DATASET = Dataset(
    title="IEMOCAP: Interactive Emotional Dyadic Motion Capture Database",
    source="https://sail.usc.edu/iemocap/",
    licence="IEMOCAP data release form of the University of Southern California",
    citation="Busso et al., IEMOCAP, Language Resources and Evaluation 42(4), 335-359, 2008",
    targets={"emotion": ("angry", "happy", "neutral", "sad"), **dict.fromkeys(DIMENSIONS)},
    metric="uar",
    metrics=dict.fromkeys(DIMENSIONS, "ccc"),
    num_clips=10_039,
    hours=12.5,
    num_speakers=10,
    speakers="disjoint",
    language=("en",),
    notes=(
        "Five folds by session: both speakers of a session are tested by a probe that has never heard them.",
        "`emotion` merges excited into happy; utterances of other emotions, or on which the raters do not agree, have none.",
        "`valence`, `arousal` and `dominance` are on all utterances, 1 to 5.",
    ),
    families=dict.fromkeys(("emotion", *DIMENSIONS), "emotion"),
    num_by_label={"emotion": {"angry": 1_103, "happy": 1_636, "neutral": 1_708, "sad": 1_084}},
    access="gated",
    ask=(
        "Fill in the [release form](https://sail.usc.edu/iemocap/iemocap_release.htm); a link comes by mail. Download "
        "`IEMOCAP_full_release_withoutVideos.tar.gz` (or `IEMOCAP_full_release.tar.gz`) and unpack it: the root is the "
        "folder `IEMOCAP_full_release`. Of each session, `dialog/EmoEvaluation` and `sentences/wav` are read."
    ),
    layout=(
        "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt\n"
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav\n"
        "...\n"
        "Session5/sentences/wav/Ses05M_script03_2/Ses05M_script03_2_M045.wav"
    ),
    signs=("Session1/dialog/EmoEvaluation", "Session1/sentences/wav"),
)

_TURN = re.compile(
    r"\[[\d.]+ - [\d.]+\]\s+(?P<name>\S+)\s+(?P<code>\S+)\s+\[(?P<numbers>\d\.\d+, \d\.\d+, \d\.\d+)\]\s*"
)
_NAME = re.compile(r"(?P<dialog>Ses(?P<session>0[1-5])[FM]_(?P<kind>impro|script)\w+)_(?P<gender>[FM])\w+")
_KINDS = {"impro": "improvised", "script": "scripted"}


def clips(root: Path) -> Iterator[Clip]:
    """Every utterance that the raters' files list, by session and dialogue.

    Raises:
        DataError: There are no raters' files, no utterance of theirs is there, or a line of them is wrong.
    """
    finder = Finder()
    listed = [clip for path in _evaluations(root) for clip in _clips(root, path, finder)]
    if not finder.num_found:
        raise DataError(
            f"no clip of iemocap in {root}: it needs Session1/dialog/EmoEvaluation/Ses01F_impro01.txt, "
            "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav and so on; "
            "give --root iemocap=DIR, the folder that holds Session1 to Session5"
        )
    yield from listed


def _evaluations(root: Path) -> Iterator[Path]:
    # Archives made on a Mac hold a hidden twin of every file, `._Ses01F_impro01.txt`: the pattern leaves them out.
    for session in range(1, NUM_SESSIONS + 1):
        yield from sorted(root.glob(f"Session{session}/dialog/EmoEvaluation/Ses*.txt"))


def _clips(root: Path, path: Path, finder: Finder) -> Iterator[Clip]:
    for line, text in lines(path, errors="replace"):
        if text.startswith("["):
            try:
                yield _clip(root, text, finder)
            except ValueError as error:
                raise wrong_line(path, line, f"{error}: unpack the file again") from None


def _clip(root: Path, text: str, finder: Finder) -> Clip:
    turn = _TURN.fullmatch(text)
    name = _NAME.fullmatch(turn["name"]) if turn else None
    if turn is None or name is None:
        raise ValueError(f"{text!r} is no utterance with its emotion and three numbers")
    if turn["code"] not in EMOTIONS:
        raise ValueError(f"the emotion {turn['code']!r} is none of {', '.join(EMOTIONS)}")
    session = int(name["session"])
    folder = f"{root}/Session{session}/sentences/wav/{name['dialog']}"
    return Clip(
        path=Path(finder.find(f"{folder}/{turn['name']}.wav")),
        labels=_labels(turn["code"], turn["numbers"]),
        speaker=f"Ses{name['session']}{name['gender']}",
        fold=session - 1,
        session=f"Ses{name['session']}",
        facts={"gender": name["gender"].lower(), "kind": _KINDS[name["kind"]], "category": turn["code"]},
    )


def _labels(code: str, numbers: str) -> dict[str, str | float]:
    values = [float(number) for number in numbers.split(",")]
    emotion = EMOTIONS[code]
    return {**({"emotion": emotion} if emotion else {}), **dict(zip(DIMENSIONS, values, strict=True))}
