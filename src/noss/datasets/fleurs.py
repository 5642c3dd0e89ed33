"""FLEURS: the same 2,009 sentences read in 102 languages. Targets `language` and `gender`.

Layout: one folder a language, `af_za`, with the lists `train.tsv`, `dev.tsv` and `test.tsv` and the clips in
`audio/train`, `audio/dev` and `audio/test`. A list has no header; its columns are the sentence's number (the same in
every language), file, text, normalised text, its characters, samples and the reader's gender (MALE, FEMALE or OTHER;
the last has no label). A file that is listed twice is one clip. Any of the languages may be missing.

Classes of `language` are the folders' names. The split is the published one: `dev` selects. Who speaks is not given.

`fleurs.csv` has the clips by language and split, and each archive's size and SHA-256, as TensorFlow Datasets states them
for `xtreme_s` 2.0.0 (https://github.com/tensorflow/datasets: `docs/catalog/xtreme_s.md`,
`tensorflow_datasets/audio/xtreme_s/checksums.tsv`). Hours: about 12 a language (arXiv 2205.12446, abstract).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import Finder, stem
from noss.errors import DataError

_SITE = "https://storage.googleapis.com/xtreme_translations/FLEURS102"
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")
_GENDERS = {"FEMALE": "f", "MALE": "m", "OTHER": ""}
with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    _ROWS = tuple(csv.DictReader(_file))
LANGUAGES = tuple(row["folder"] for row in _ROWS)


def _code(folder: str) -> str:
    """A folder's name as BCP 47 writes it: `cmn_hans_cn` is `cmn-Hans-CN`."""
    language, *rest = folder.split("_")
    return "-".join([language, *(part.title() if len(part) == 4 else part.upper() for part in rest)])


DATASET = Dataset(
    title="Few-shot Learning Evaluation of Universal Representations of Speech",
    source="https://arxiv.org/abs/2205.12446",
    licence="CC-BY-4.0",
    citation="Conneau et al., FLEURS, SLT 2022, arXiv:2205.12446",
    targets={"language": LANGUAGES, "gender": ("f", "m")},
    families={"language": "language", "gender": "speaker"},
    metric="uar",
    num_clips=384_060,
    hours=12.0 * len(LANGUAGES),
    num_by_split={split: sum(int(row[split]) for row in _ROWS) for split in _SPLITS},
    num_by_label={"language": {row["folder"]: sum(int(row[split]) for split in _SPLITS) for row in _ROWS}},
    speakers="unknown",
    language=tuple(map(_code, LANGUAGES)),
    layout="af_za/ ... zu_za/            102 folders, one a language\n"
    "af_za/train.tsv, dev.tsv, test.tsv\n"
    "af_za/audio/train/*.wav, audio/dev/*.wav, audio/test/*.wav",
    signs=("??*_*/audio/*/*", "??*_*/test.tsv"),
    downloads=tuple(
        Download(url=f"{_SITE}/{row['folder']}.tar.gz", checksum=f"sha256:{row['sha256']}", size=int(row["size"]))
        for row in _ROWS
    ),
    notes=(
        "Speakers of train are others than those of dev and test, says its owner; who speaks is not given.",
        "The sentences of train, dev and test differ, and are the same in all languages.",
        "Read speech. Hours are 102 times the 12 that the paper gives as an average.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every clip, by language and split, in the order of the lists.

    Raises:
        DataError: No folder of a language stands in the root, a list is missing or wrong, or none of its files is there.
    """
    finder = Finder()
    shared: dict[tuple[str, str], tuple[dict[str, str], dict[str, str]]] = {}
    for folder, split, file, sentence, gender in _listed(root):
        if (folder, gender) not in shared:
            facts = {"gender": gender} if gender else {}
            shared[folder, gender] = {"language": folder, **facts}, facts
        labels, facts = shared[folder, gender]
        path = Path(finder.find(f"{root}/{folder}/audio/{split}/{file}"))
        yield Clip(path=path, labels=labels, split=split, sentence=sentence, facts=facts)
    if not finder.num_found:
        raise DataError(f"no clip of fleurs in {root}: {_NEEDS}")


def expected(root: Path) -> Iterator[str]:
    """Every clip of the languages that are there, by their lists.

    Raises:
        DataError: No folder of a language stands in the root, or a list is missing or wrong.
    """
    return (f"{folder}/audio/{split}/{stem(file)}" for folder, split, file, _, _ in _listed(root))


_NEEDS = (
    "it needs af_za/test.tsv, af_za/audio/test/*.wav and so on; "
    "give --root fleurs=DIR, the folder that holds af_za to zu_za"
)


def _listed(root: Path) -> Iterator[tuple[str, Split, str, str, str]]:
    """Folder, split, file, sentence and gender of every clip."""
    present = [folder for folder in LANGUAGES if (root / folder).is_dir()]
    if not present:
        raise DataError(f"no clip of fleurs in {root}: {_NEEDS}")
    for folder in present:
        for split in _SPLITS:
            for file, (sentence, gender) in _list(root / folder / f"{split}.tsv").items():
                yield folder, split, file, sentence, gender


def _list(path: Path) -> dict[str, tuple[str, str]]:
    """Sentence and gender by file."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; unpack the archive of its language again") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        cells = line.split("\t")
        if len(cells) == 7 and cells[6].strip() in _GENDERS:
            found[cells[1]] = (cells[0], _GENDERS[cells[6].strip()])
        elif line.strip():
            what = "7 cells are needed, the last MALE, FEMALE or OTHER: unpack the archive of its language again"
            raise DataError(f"{path} line {number}: {len(cells)} cells, the last {cells[-1]!r}; {what}")
    return found
