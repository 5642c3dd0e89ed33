"""MELD: conversations in the television series Friends. Targets `emotion` and `sentiment`.

Layout of `MELD.Raw.tar.gz` with its three inner archives unpacked: `train/train_sent_emo.csv` and
`train/train_splits/dia0_utt0.mp4`; `dev_sent_emo.csv` and `dev/dev_splits_complete/`; `test_sent_emo.csv` and
`test/output_repeated_splits_test/`. The folders may also lie side by side, the lists in the root or beside the clips, and
the sound may have been taken out of the videos (`dia0_utt0.wav`).

The split is the published one (https://github.com/declare-lab/MELD; counts and mean durations from its README, counts of
sentiments from Poria et al. 2019). It keeps dialogues whole and not speakers: the six main characters are in all three
parts, on purpose.

Known faults, issues 9, 20, 22, 27 and 39 there: dev lacks `dia110_utt7`; `dia125_utt3` of train cannot be read; a few clips
were cut wrongly, some of them minutes long; and some files are in no list (`final_videos_testdia101_utt0.mp4`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import Finder
from noss.datasets._lists import rows, wrong_line
from noss.errors import DataError

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
SENTIMENTS = ("negative", "neutral", "positive")
FOLDERS: Mapping[Split, str] = {
    "train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test",
}  # fmt: skip

DATASET = Dataset(
    title="MELD: Multimodal EmotionLines Dataset",
    source="https://github.com/declare-lab/MELD",
    licence="GPL-3.0-only",
    citation="Poria et al., MELD, ACL 2019",
    targets={"emotion": EMOTIONS, "sentiment": SENTIMENTS},
    metric="uar",
    num_clips=13_708,
    hours=13.66,
    speakers="shared",
    shared_targets=("emotion", "sentiment"),
    language=("en",),
    notes=(
        "The published split keeps dialogues whole, and the main characters speak in train, dev and test.",
        "Speakers are characters as the subtitles name them; some are several people (All, Both), or nobody by name (Man).",
        "Acted for television, with laughter and music; `dia110_utt7` of dev is missing and `dia125_utt3` of train damaged.",
        "The archive holds train.tar.gz, dev.tar.gz and test.tar.gz: unpack them in `MELD.Raw`, where they are.",
        "The licence is that of the lists; the sound is from a television series.",
    ),
    families={"emotion": "emotion", "sentiment": "emotion"},
    num_by_split={"train": 9_989, "dev": 1_109, "test": 2_610},
    num_by_label={
        "emotion": {
            "anger": 1_607,
            "disgust": 361,
            "fear": 358,
            "joy": 2_308,
            "neutral": 6_436,
            "sadness": 1_002,
            "surprise": 1_636,
        },
        "sentiment": {"negative": 4_184, "neutral": 6_436, "positive": 3_088},
    },
    layout=(
        "train/train_sent_emo.csv\n"
        "train/train_splits/dia0_utt0.mp4\n"
        "dev_sent_emo.csv\n"
        "dev/dev_splits_complete/dia0_utt0.mp4\n"
        "test_sent_emo.csv\n"
        "test/output_repeated_splits_test/dia0_utt0.mp4"
    ),
    signs=("dev_sent_emo.csv", "test_sent_emo.csv"),
    downloads=(
        Download(
            url="https://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz",
            size=10_878_146_150,
        ),
    ),
)

_UNPACKED = "MELD.Raw"
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode")


def clips(root: Path) -> Iterator[Clip]:
    """Every utterance of the three lists, in their order; the root may hold the archive's own folder `MELD.Raw` instead.

    Raises:
        DataError: A list is not there, no clip of theirs is there, or a line of them is wrong.
    """
    home = root / _UNPACKED if (root / _UNPACKED).is_dir() else root
    lists = {split: _list(home, split) for split in FOLDERS}
    absent = ", ".join(f"{split}_sent_emo.csv" for split, path in lists.items() if path is None)
    finder = Finder()
    listed = [clip for split, path in lists.items() if path for clip in _clips(home, split, path, finder)]
    if absent or not finder.num_found:
        what = f"it lacks {absent}" if absent else "it needs train/train_splits/dia0_utt0.mp4 and so on"
        raise DataError(
            f"no clip of meld in {root}: {what}; unpack train.tar.gz, dev.tar.gz and test.tar.gz of MELD.Raw.tar.gz, and "
            "give --root meld=DIR, the folder that holds train, dev and test"
        )
    yield from listed


def _list(home: Path, split: Split) -> Path | None:
    places = (home, home / split, home / FOLDERS[split])
    paths = (place / f"{split}_sent_emo.csv" for place in places)
    return next((path for path in paths if path.is_file()), None)


def _folder(home: Path, split: Split) -> Path:
    places = (home / split / FOLDERS[split], home / FOLDERS[split], home / split)
    return next((place for place in places if place.is_dir()), places[0])


def _clips(home: Path, split: Split, path: Path, finder: Finder) -> Iterator[Clip]:
    folder = _folder(home, split)
    for line, (text, speaker, emotion, sentiment, dialogue, utterance, season, episode) in rows(path, *_COLUMNS):
        if emotion not in EMOTIONS:
            raise wrong_line(
                path, line, f"emotion {emotion!r} is none of {', '.join(EMOTIONS)}: download the list again"
            )
        if sentiment not in SENTIMENTS:
            raise wrong_line(
                path, line, f"sentiment {sentiment!r} is none of {', '.join(SENTIMENTS)}: download it again"
            )
        yield Clip(
            path=Path(finder.find(f"{folder}/dia{dialogue}_utt{utterance}.mp4")),
            labels={"emotion": emotion, "sentiment": sentiment},
            speaker=speaker or None,
            split=split,
            session=f"{season}x{episode}",
            sentence=text,
            facts={"dialogue": dialogue},
        )
