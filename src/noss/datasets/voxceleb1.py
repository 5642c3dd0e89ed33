"""VoxCeleb1: who speaks, among 1,251 celebrities in interviews on YouTube. Target `speaker`.

Layout: `wav/id10001/1zcIwhmdeo4/00001.wav`, the parts being speaker, video and clip, with the two archives unpacked into
one folder `wav` or each into its own (`vox1_dev_wav/wav` and `vox1_test_wav/wav`, or `dev/wav` and `test/wav`).

The split is the owners' for identification, `iden_split.txt` (a line `1 id10001/1zcIwhmdeo4/00001.wav`; 1 is train, 2
is dev, 3 is test), in which each speaker is on all sides. `vox1_meta.csv`, where it is there, tells gender and
nationality. Papers that scored a part of the corpus are followed with a list of one's own, `subset.txt` (a line
`id10001/1zcIwhmdeo4/00001.wav` a clip): then only its clips are listed, each in its published split.

Sources: Nagrani et al., "VoxCeleb: a large-scale speaker identification dataset", Interspeech 2017 (arXiv 1706.08612);
https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html (lists, archives, hours). TensorFlow Datasets' `voxceleb`
follows the same list.

Trials for verification are read from `veri_test2.txt`, the owners' list without wrong labels, or else from
`veri_test.txt` (lines `1 id10270/5r0dWxy17C8/00001.wav id10270/x6uYqmx31kE/00001.wav`; 1 is the same speaker): 40 speakers
whose names begin with E.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Split, Trial
from noss.datasets._files import Finder
from noss.datasets._lists import lines, wrong_line
from noss.errors import DataError

SPEAKERS = tuple(f"id{number}" for number in range(10_001, 11_252))
_FOLDERS = ("wav", "vox1_dev_wav/wav", "vox1_test_wav/wav", "dev/wav", "test/wav")
_SPLITS: Mapping[str, Split] = {"1": "train", "2": "dev", "3": "test"}
_CLIP = re.compile(r"(id\d{5})/([^/]+)/[^/]+")
_TRIALS = ("veri_test2.txt", "veri_test.txt")
_EXAMPLE = "id10001/1zcIwhmdeo4/00001.wav"
_META = "https://www.robots.ox.ac.uk/~vgg/data/voxceleb/meta"

DATASET = Dataset(
    title="VoxCeleb1: identification",
    source="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html",
    licence="CC-BY-4.0",
    citation="Nagrani, Chung & Zisserman, VoxCeleb: a large-scale speaker identification dataset, Interspeech 2017",
    targets={"speaker": SPEAKERS},
    metric="accuracy",
    families={"speaker": "speaker"},
    num_clips=153_516,
    hours=351.6,
    num_speakers=1_251,
    speakers="shared",
    shared_targets=("speaker",),
    num_by_split={"train": 138_361, "dev": 6_904, "test": 8_251},
    access="gated",
    ask=(
        f"Fill in the form on https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html: a name, a password and the "
        "addresses come by e-mail. Download the audio files of the development set (`vox1_dev_wav_partaa` to "
        "`vox1_dev_wav_partad`, joined by `cat vox1_dev_wav_part* > vox1_dev_wav.zip`) and of the test set "
        "(`vox1_test_wav.zip`). The same files are on Hugging Face, in the folder `vox1` of `ProgramComputer/voxceleb`. "
        f"Unpack both, and put {_META}/iden_split.txt and {_META}/vox1_meta.csv beside them, and for verification "
        f"{_META}/veri_test2.txt."
    ),
    layout=(
        "iden_split.txt                      the split, a line a clip\n"
        "vox1_meta.csv                       gender and nationality by speaker (may be missing)\n"
        "veri_test2.txt                      trials for verification, or veri_test.txt (may be missing)\n"
        "subset.txt                          a list of one's own, to score a part (may be missing)\n"
        "wav/id10001/1zcIwhmdeo4/00001.wav   speaker, video and clip; or vox1_dev_wav/wav and vox1_test_wav/wav"
    ),
    signs=("iden_split.txt",),
    notes=(
        "The published split for identification: all speakers are in train and in test, which holds back a video of each.",
        "With subset.txt beside iden_split.txt (a line id10001/1zcIwhmdeo4/00001.wav a clip), only its clips are scored.",
        "TensorFlow Datasets' voxceleb has the clips of the development archive alone: 148,642, of 1,211 speakers.",
        "Trials for verification are read from veri_test2.txt, or else veri_test.txt, beside iden_split.txt.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of the split, or of `subset.txt` where that is there, in the order of `iden_split.txt`.

    Raises:
        DataError: A list is missing or has a line that makes no sense, or no clip of it is there.
    """
    finder, folder_of = Finder(), _folder_by_speaker(root)
    facts, labels = _facts(root), {speaker: {"speaker": speaker} for speaker in SPEAKERS}
    for name, (split, speaker, video) in _chosen(root).items():
        path = Path(finder.find(_place(root, folder_of, name)))
        yield Clip(
            path=path, labels=labels[speaker], speaker=speaker, split=split, session=video, facts=facts.get(speaker, {})
        )
    if not finder.num_found:
        raise _no_clip(root)


def trials(root: Path) -> Iterator[Trial]:
    """The owners' trials for verification; none where neither list is there.

    Raises:
        DataError: A list has a line that makes no sense.
    """
    path = next((root / name for name in _TRIALS if (root / name).is_file()), None)
    if path is None:
        return
    finder, folder_of = Finder(), _folder_by_speaker(root)
    for number, line in lines(path):
        same, *names = line.split()
        matches = [_CLIP.fullmatch(name) for name in names]
        if same not in ("0", "1") or len(names) != 2 or None in matches:
            raise wrong_line(path, number, f"{line!r} is not as 1 {_EXAMPLE} {_EXAMPLE}: fetch {_META}/{path.name}")
        first, second = (finder.find(_place(root, folder_of, name)) for name in names)
        yield Path(first), Path(second), same == "1"


def warnings(root: Path) -> list[str]:
    """A loud line where a part of the corpus is scored."""
    if not (root / "subset.txt").is_file():
        return []
    num_listed, num_clips = len(_chosen(root)), len(_split(root))
    return [f"{num_listed:,} of {num_clips:,} clips are listed in subset.txt: scores are of these alone"]


_Row = tuple[Split, str, str]


def _chosen(root: Path) -> dict[str, _Row]:
    """Split, speaker and video by the clip's name in the lists."""
    rows, subset = _split(root), root / "subset.txt"
    if not subset.is_file():
        return rows
    wanted = set()
    for number, name in lines(subset):
        if name not in rows:
            raise wrong_line(
                subset, number, f"{name!r} is no clip of iden_split.txt: give id10001/1zcIwhmdeo4/00001.wav"
            )
        wanted.add(name)
    return {name: row for name, row in rows.items() if name in wanted}


def _split(root: Path) -> dict[str, _Row]:
    path = root / "iden_split.txt"
    if not path.is_file():
        raise _no_clip(root)
    rows: dict[str, _Row] = {}
    speakers = {speaker: speaker for speaker in SPEAKERS}
    for number, line in lines(path):
        part, _, name = line.partition(" ")
        match = _CLIP.fullmatch(name)
        if part not in _SPLITS or match is None or match[1] not in speakers:
            raise wrong_line(
                path, number, f"{line!r} is not as 1 id10001/1zcIwhmdeo4/00001.wav: fetch {_META}/iden_split.txt"
            )
        if name in rows:
            raise wrong_line(path, number, f"{name} is listed twice: fetch {_META}/iden_split.txt again")
        rows[name] = _SPLITS[part], speakers[match[1]], match[2]
    return rows


def _place(root: Path, folder_of: Mapping[str, str], name: str) -> str:
    return f"{root}/{folder_of.get(name.partition('/')[0], _FOLDERS[0])}/{name}"


def _folder_by_speaker(root: Path) -> dict[str, str]:
    there: dict[str, str] = {}
    for folder in _FOLDERS:
        if (root / folder).is_dir():
            there = dict.fromkeys((path.name for path in (root / folder).iterdir()), folder) | there
    return there


def _facts(root: Path) -> dict[str, dict[str, str]]:
    """Gender and nationality by speaker, as far as the owners' table is there and tells them."""
    path = root / "vox1_meta.csv"
    if not path.is_file():
        return {}
    rows = csv.DictReader((line for _, line in lines(path)), delimiter="\t", restval="")
    if not {"VoxCeleb1 ID", "Gender", "Nationality"} <= set(rows.fieldnames or ()):
        raise DataError(
            f"{path} has the columns {', '.join(rows.fieldnames or ())}, and VoxCeleb1 ID, Gender and Nationality are "
            f"needed, between tabs: fetch {_META}/vox1_meta.csv"
        )
    return {row["VoxCeleb1 ID"]: {"gender": row["Gender"], "nationality": row["Nationality"]} for row in rows}


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of voxceleb1 in {root}: it needs iden_split.txt and wav/id10001/1zcIwhmdeo4/00001.wav and so on; "
        "give --root voxceleb1=DIR, the folder that holds iden_split.txt and wav (or vox1_dev_wav and vox1_test_wav)"
    )
