"""VoxLingua107: pieces of YouTube videos in 107 languages. Target `language`.

Layout: one folder a language, `et/VIDEO__U__S10---0361.400-0367.480.wav`, the parts being the video, the place in it and
the seconds; `dev` holds 33 of the languages in the same way. The language folders may also lie in `train`. Classes
are the folders' names (`iw` is Hebrew, `jw` Javanese); other folders are left alone.

The published dev set, which at least two people have listened to, is the test set, and every other folder is train. A
piece of train that is in dev too is left out of train, as ESPnet's recipe does
(https://github.com/espnet/espnet, `egs2/voxlingua107`). The session is the video; who speaks is not known.

Languages, hours and the size of dev: the corpus's page, https://cs.taltech.ee/staff/tanel.alumae/data/voxlingua107/.
The checksum of `dev.zip`: HEAR, https://github.com/hearbenchmark/hear-preprocess, `vox_lingua_top10.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import audio_by_stem, folders, stem
from noss.errors import DataError

_LANGUAGES = """
ab af am ar as az ba be bg bn bo br bs ca ceb cs cy da de el en eo es et eu fa fi fo fr gl gn gu gv ha haw hi hr ht hu
hy ia id is it iw ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa
sco sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi war yi yo zh
"""
LANGUAGES = tuple(_LANGUAGES.split())
_RENAMED = {"iw": "he", "jw": "jv"}
_SITE = "https://cs.taltech.ee/staff/tanel.alumae/data/voxlingua107"

DATASET = Dataset(
    title="VoxLingua107",
    source="https://arxiv.org/abs/2011.12998",
    licence="CC-BY-4.0",
    citation="Valk & Alumäe, VoxLingua107: a Dataset for Spoken Language Recognition, SLT 2021",
    targets={"language": LANGUAGES},
    families={"language": "language"},
    metric="uar",
    num_clips=2_500_000,
    hours=6_628.0,
    num_by_split={"test": 1_609},
    speakers="unknown",
    language=tuple(_RENAMED.get(name, name) for name in LANGUAGES),
    layout="ab/ ... zh/   107 folders of clips, one a language: train\ndev/et/ ...   33 of the languages: test",
    signs=("*/*__U__S*---*",),
    downloads=(
        *(Download(url=f"{_SITE}/{name}.zip") for name in LANGUAGES),
        Download(url=f"{_SITE}/dev.zip", checksum="md5:07fbd4732c97f28c10ec8dcfed4f600e", into="dev"),
    ),
    notes=(
        "Trained on 107 languages, tested on the 33 of the published dev set.",
        "Languages of train were guessed from titles and search words: about 2 % of its clips are in another one.",
        "How many training clips there are is published as `over 2.5 million`; their hours are those of train alone.",
        "Who speaks is not known: one voice may be in train and test.",
    ),
)

_VIDEO = re.compile(r"(.+?)(?:__U__S\d+)?---\d+\.\d+-\d+\.\d+")


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of train by language, then those of test.

    Raises:
        DataError: No clip stands in folders named as languages below the root, or `dev` has an unknown language.
    """
    dev = root / "dev"
    dev = dev / "dev" if (dev / "dev").is_dir() else dev
    test = list(_clips(dev, split="test", names=frozenset())) if dev.is_dir() else []
    names = frozenset(stem(clip.path.name) for clip in test)
    train = root / "train"
    empty = not test
    for clip in _clips(train if train.is_dir() else root, split="train", names=names):
        empty = False
        yield clip
    yield from test
    if empty:
        raise DataError(
            f"no clip of voxlingua107 in {root}: it needs ab/VIDEO__U__S1---0000.000-0003.000.wav and so on; "
            "give --root voxlingua107=DIR, the folder that holds ab to zh, and dev"
        )


def _clips(folder: Path, *, split: Split, names: frozenset[str]) -> Iterator[Clip]:
    """The clips of one split, without those of some names."""
    for inner in folders(folder):
        if inner.name not in LANGUAGES:
            if folder.name in {"train", "dev"}:
                raise DataError(f"{inner} is none of the {len(LANGUAGES)} languages: move it out of {folder.name}")
            continue
        labels = {"language": inner.name}
        for name, path in audio_by_stem(inner).items():
            if name not in names:
                match = _VIDEO.fullmatch(name)
                yield Clip(path=path, labels=labels, split=split, session=match[1] if match else None)
