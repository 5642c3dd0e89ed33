"""VoxForge: six languages, read at home by volunteers. Target `language`.

Layout: the archives of the repository, each unpacked beside where it lies,
`de/Trunk/Audio/Main/16kHz_16bit/ralfherzog-20080309-de68/wav/de68-01.wav` (speaker, date and a tag), or simply below a
folder of the language, `de/ralfherzog-20080309-de68/wav/de68-01.wav`. Folders above these may be there, as `wget -x`
makes them; `SpeechCorpus` stands for `en`. Other languages, other sample rates and archives in FLAC are left out.

Clips and split are those of TensorFlow Datasets' `voxforge` 1.0.0: the archives of its list, all of before 2020; a
speaker is what stands before the first hyphen of an archive's name; speakers are drawn by its rule, 70 % for train, 10 %
for dev and 20 % for test. The draw depends on every speaker of the list, those whose archives are in FLAC among them, so
put the list, `voxforge_urls.txt`, into the root: without it, the archives on disk with a date before 2020 stand for it.

Sources: http://www.voxforge.org; https://www.tensorflow.org/datasets/catalog/voxforge and the builder behind it; table 1
of Shor et al., "Towards Learning a Universal Non-Semantic Representation of Speech", Interspeech 2020 (number of clips
and their mean length, from which the hours).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Split
from noss.datasets._files import walk
from noss.datasets._lists import lines, wrong_line
from noss.datasets._tfds_split import split_speakers
from noss.errors import DataError

LANGUAGES = ("de", "en", "es", "fr", "it", "ru")
PARTS: Mapping[Split, float] = {"train": 0.7, "dev": 0.1, "test": 0.2}
FIRST_DATE_LEFT_OUT = "20200101"
_LIST = "voxforge_urls.txt"
_LIST_URL = f"https://storage.googleapis.com/tfds-data/downloads/voxforge/{_LIST}"
_PLACE = r"(?:.*?/)?(?P<language>de|en|es|fr|it|ru|SpeechCorpus)/(?:Trunk/Audio/Main/16kHz_16bit/)?(?!Trunk/)"
_FILE = re.compile(_PLACE + r"(?P<archive>[^/]+)/(?P<inside>.+)")
_URL = re.compile(_PLACE + r"(?P<archive>[^/]+)\.tgz")
_DATE = re.compile(r"-(\d{8})(?:-|$)")

DATASET = Dataset(
    title="VoxForge: six languages",
    source="http://www.voxforge.org",
    licence="GPL",
    citation="MacLean, VoxForge, http://www.voxforge.org, 2018",
    targets={"language": LANGUAGES},
    metric="accuracy",
    families={"language": "language"},
    num_clips=176_438,
    hours=284.0,
    speakers="disjoint",
    language=LANGUAGES,
    access="open",
    ask=(
        f"Download the list {_LIST_URL} into the root, there run `wget -i {_LIST} -x` (about 100 GB), and unpack each "
        "archive in the folder where it lies: `find . -name '*.tgz' -execdir tar xzf {} ';'`."
    ),
    layout=(
        f"{_LIST}                                              the list of archives\n"
        "www.repository.voxforge1.org/downloads/                        as wget makes it (may be missing)\n"
        "de/Trunk/Audio/Main/16kHz_16bit/ralfherzog-20080309-de68/wav/  an archive, unpacked; or de/ralfherzog-..."
    ),
    signs=(_LIST,),
    notes=(
        "Speakers are drawn for train, dev and test as TensorFlow Datasets draws them.",
        "All that was sent in anonymously counts as one speaker, `anonymous`: many voices, all in one split.",
        f"The split is the published one only with {_LIST} in the root, or with all archives of before 2020 on disk.",
    ),
)


_Archive = tuple[str, str]  # language and name


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of an archive that is listed, or dated before 2020 where there is no list; by path.

    Raises:
        DataError: No clip is there, the list has a line that makes no sense, or there are fewer than three speakers.
    """
    found = list(_files(root))
    archives = _listed(root) or {archive for _, archive, _ in found if _is_old(archive)}
    chosen = [(path, archive) for path, archive, is_clip in found if is_clip and archive in archives]
    if not chosen:
        raise DataError(
            f"no clip of voxforge in {root}: it needs de/Trunk/Audio/Main/16kHz_16bit/ralfherzog-20080309-de68/wav/"
            "de68-01.wav and so on; give --root voxforge=DIR, the folder that holds de, en, es, fr, it and ru"
        )
    split_of = split_speakers(map(_speaker, archives), PARTS)
    labels = {language: {"language": language} for language in LANGUAGES}
    for path, archive in chosen:
        speaker = _speaker(archive)
        yield Clip(
            path=Path(f"{root}/{path}"),
            labels=labels[archive[0]],
            speaker=speaker,
            split=split_of[speaker],
            session=archive[1],
        )


def warnings(root: Path) -> list[str]:
    """A loud line where the split may not be the published one, or archives of the list are missing."""
    listed = _listed(root)
    if not listed:
        return [f"there is no {_LIST} in {root}: the split is drawn among the speakers on disk; put {_LIST_URL} there"]
    missing = listed - {archive for _, archive, _ in _files(root)}
    return [f"{len(missing):,} of {len(listed):,} archives of {_LIST} are not unpacked in {root}"] if missing else []


def _files(root: Path) -> Iterator[tuple[str, _Archive, bool]]:
    """The audio files of the six languages, with their archives, and whether they are clips: FLAC archives hold none."""
    for path in walk(root):
        match = _FILE.fullmatch(path)
        if match:
            yield path, _archive(match), "flac" not in match["inside"].split("/")[:-1]


def _listed(root: Path) -> set[_Archive]:
    path = root / _LIST
    archives = set()
    for number, line in lines(path) if path.is_file() else ():
        match = _URL.fullmatch(line.translate({ord(quote): None for quote in "'\""}))
        if match is None:
            raise wrong_line(path, number, f"{line[:80]!r} is no archive of the six languages: fetch {_LIST_URL}")
        archives.add(_archive(match))
    return archives


def _archive(match: re.Match[str]) -> _Archive:
    return match["language"].replace("SpeechCorpus", "en"), match["archive"]


def _speaker(archive: _Archive) -> str:
    return archive[1].partition("-")[0]


def _is_old(archive: _Archive) -> bool:
    match = _DATE.search(archive[1])
    return match is None or match[1] < FIRST_DATE_LEFT_OUT
