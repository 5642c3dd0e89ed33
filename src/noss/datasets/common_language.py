"""CommonLanguage: an hour a language of Common Voice, in 45 languages. Target `language`.

Layout, as in the archive: `common_voice_kpd/Italian/train/itln_trn_sp_175/common_voice_it_18279446.wav`, one folder a
language, in it one a split, in it one a speaker; beside the splits lie the lists `train.csv`, `dev.csv` and `test.csv`
(UTF-16, tabs; the columns are number, client_id, path, sentence, age and gender). The root may be `common_voice_kpd` or the
folder that holds it. Classes are the folders' names, with their spelling (Mangolian, Ukranian).

The split is the published one, by speaker (`client_id`). Clips and checksum: `datasets/common_language` of
https://github.com/huggingface/datasets, which read the lists; hours and speakers: https://doi.org/10.5281/zenodo.5036977.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import Finder, folders, stem
from noss.errors import DataError

LANGUAGES = {
    "Arabic": "ar", "Basque": "eu", "Breton": "br", "Catalan": "ca", "Chinese_China": "zh-CN",
    "Chinese_Hongkong": "zh-HK", "Chinese_Taiwan": "zh-TW", "Chuvash": "cv", "Czech": "cs", "Dhivehi": "dv",
    "Dutch": "nl", "English": "en", "Esperanto": "eo", "Estonian": "et", "French": "fr", "Frisian": "fy-NL",
    "Georgian": "ka", "German": "de", "Greek": "el", "Hakha_Chin": "cnh", "Indonesian": "id", "Interlingua": "ia",
    "Italian": "it", "Japanese": "ja", "Kabyle": "kab", "Kinyarwanda": "rw", "Kyrgyz": "ky", "Latvian": "lv",
    "Maltese": "mt", "Mangolian": "mn", "Persian": "fa", "Polish": "pl", "Portuguese": "pt", "Romanian": "ro",
    "Romansh_Sursilvan": "rm-sursilv", "Russian": "ru", "Sakha": "sah", "Slovenian": "sl", "Spanish": "es",
    "Swedish": "sv-SE", "Tamil": "ta", "Tatar": "tt", "Turkish": "tr", "Ukranian": "uk", "Welsh": "cy",
}  # fmt: skip
_SPLITS: tuple[Split, ...] = ("train", "dev", "test")
_UNKNOWN = frozenset({"", "not_defined"})

DATASET = Dataset(
    title="CommonLanguage",
    source="https://doi.org/10.5281/zenodo.5036977",
    licence="CC-BY-4.0",
    citation="Sinisetty, Ruban, Dymov & Ravanelli, CommonLanguage 0.1, Zenodo, 2021",
    targets={"language": tuple(LANGUAGES)},
    families={"language": "language"},
    metric="uar",
    num_clips=34_045,
    hours=45.1,
    num_speakers=13_808,
    num_by_split={"train": 22_194, "dev": 5_888, "test": 5_963},
    speakers="disjoint",
    language=tuple(LANGUAGES.values()),
    layout="common_voice_kpd/Arabic/ ... Welsh/   45 folders, one a language\n"
    "common_voice_kpd/Arabic/train.csv, dev.csv, test.csv\n"
    "common_voice_kpd/Arabic/train/SPEAKER/*.wav, dev/ and test/ alike",
    signs=("common_voice_kpd/*/train.csv",),
    downloads=(
        Download(
            url="https://zenodo.org/records/5036977/files/CommonLanguage.tar.gz",
            checksum="sha256:94bde611700887527c223363bb1d2a22d0a5b55e0e381c5dc74ad67b06a267d7",
            size=3_761_951_178,
        ),
    ),
    notes=(
        "Read speech of volunteers, an hour a language; one client of Common Voice may be several people.",
        "Three of the classes are Chinese: of the mainland, of Hong Kong (Cantonese) and of Taiwan.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every clip, by language and split, in the order of the lists.

    Raises:
        DataError: No folder of a language stands in the root, a list is missing or wrong, or none of its files is there.
    """
    finder = Finder()
    inner = _inner(root)
    for language, split, file, cells in _listed(root):
        client, _, sentence, age, gender = cells
        facts = {"age": age, "gender": gender}
        yield Clip(
            path=Path(finder.find(f"{inner}/{file}")),
            labels={"language": language},
            speaker=f"{language}/{client}",
            split=split,
            sentence=sentence or None,
            facts={name: value for name, value in facts.items() if value not in _UNKNOWN},
        )
    if not finder.num_found:
        raise DataError(f"no clip of common_language in {root}: {_NEEDS}")


def expected(root: Path) -> Iterator[str]:
    """Every clip of the lists.

    Raises:
        DataError: No folder of a language stands in the root, or a list is missing or wrong.
    """
    above = "" if _inner(root) == root else f"{_inner(root).name}/"
    return (above + stem(file) for _, _, file, _ in _listed(root))


_NEEDS = (
    "it needs common_voice_kpd/Arabic/train.csv, common_voice_kpd/Arabic/train/SPEAKER/*.wav and so on; "
    "give --root common_language=DIR, the folder that holds common_voice_kpd"
)


def _inner(root: Path) -> Path:
    inner = root / "common_voice_kpd"
    return inner if inner.is_dir() else root


def _listed(root: Path) -> Iterator[tuple[str, Split, str, list[str]]]:
    """Language, split, file and cells of every line of the lists."""
    inner = [
        folder for folder in folders(_inner(root)) if any((folder / f"{split}.csv").is_file() for split in _SPLITS)
    ]
    if not inner:
        raise DataError(f"no clip of common_language in {root}: {_NEEDS}")
    for folder in inner:
        if folder.name not in LANGUAGES:
            raise DataError(f"{folder} is none of the {len(LANGUAGES)} languages: take it out, or rename it")
        for split in _SPLITS:
            for cells in _list(folder / f"{split}.csv"):
                yield folder.name, split, f"{folder.name}/{split}/{cells[0]}/{cells[1]}", cells


def _list(path: Path) -> Iterator[list[str]]:
    """Client, file, sentence, age and gender of every line behind the header."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; unpack the archive again") from error
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) == 6 and number > 1:
            yield cells[1:]
        elif line.strip() and number > 1:
            raise DataError(f"{path} line {number}: {len(cells)} cells, 6 are needed: unpack the archive again")
