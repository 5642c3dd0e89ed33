"""ASVspoof 2019, logical access: speech of people, and synthetic or converted speech. Target `spoof`.

Layout: the owners' archive `LA.zip`, `LA/ASVspoof2019_LA_train/flac/LA_T_1138215.flac` (`dev` and `eval` likewise), and
the lists `LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt` (`dev.trl`, `eval.trl`), a line a clip:
speaker, file, `-`, attack (`-` for people), `bonafide` or `spoof`.

The split is the published one: no speaker is in two parts, and of the 19 attacks A01 to A06 are in train and dev, A07 to
A19 in eval alone; the attack is therefore a fact to break scores down by and no target. The folders of dev and eval hold
142 and 696 files more, which enrol speakers and are in no list for countermeasures: they are not read.

Sources: README.LA.txt in the archive (layout, attacks); Wang et al., "ASVspoof 2019: a large-scale public database",
Computer Speech & Language 64, 2020 (speakers, counts). The hours are rounded to tens.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Download, Split
from noss.datasets._files import Finder
from noss.datasets._lists import lines, wrong_line
from noss.errors import DataError

CLASSES = ("bonafide", "spoof")
# By attack: text-to-speech, voice conversion, or one after the other.
METHODS = {
    "A01": "tts", "A02": "tts", "A03": "tts", "A04": "tts", "A05": "vc", "A06": "vc",
    "A07": "tts", "A08": "tts", "A09": "tts", "A10": "tts", "A11": "tts", "A12": "tts", "A13": "tts+vc",
    "A14": "tts+vc", "A15": "tts+vc", "A16": "tts", "A17": "vc", "A18": "vc", "A19": "vc",
}  # fmt: skip
_PARTS: tuple[tuple[str, str, Split], ...] = (("train", "trn", "train"), ("dev", "trl", "dev"), ("eval", "trl", "test"))

DATASET = Dataset(
    title="ASVspoof 2019: logical access",
    source="https://datashare.ed.ac.uk/handle/10283/3336",
    licence="ODC-By-1.0",
    citation="Wang et al., ASVspoof 2019: a large-scale public database, Computer Speech & Language 64, 2020",
    targets={"spoof": CLASSES},
    families={"spoof": "spoof"},
    metric="eer",
    num_clips=121_461,
    hours=110.0,
    num_speakers=107,
    speakers="disjoint",
    language=("en",),
    num_by_split={"train": 25_380, "dev": 24_844, "test": 71_237},
    num_by_label={"spoof": {"bonafide": 12_483, "spoof": 108_978}},
    access="open",
    layout=(
        "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt    25,380 lines\n"
        "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.dev.trl.txt      24,844 lines\n"
        "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.eval.trl.txt     71,237 lines\n"
        "LA/ASVspoof2019_LA_train/flac/LA_T_1138215.flac                     25,380 files\n"
        "LA/ASVspoof2019_LA_dev/flac/LA_D_1047731.flac                       24,986 files, 142 of them in no list\n"
        "LA/ASVspoof2019_LA_eval/flac/LA_E_2834763.flac                      71,933 files, 696 of them in no list"
    ),
    signs=("LA/ASVspoof2019_LA_cm_protocols",),
    downloads=(Download(url="https://datashare.ed.ac.uk/bitstream/handle/10283/3336/LA.zip"),),
    notes=(
        "The attacks of test (A07 to A19) are in neither train nor dev, but that A16 is A04 and A19 is A06.",
        "Equal error rate over all attacks; the fact `attack` (A01 to A19, or none) breaks it down.",
        "The fact `method` is tts, vc or tts+vc after the owners' README; the tandem cost (t-DCF) is not computed.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of the three lists for countermeasures, in their order.

    Raises:
        DataError: A list is missing or has a line that makes no sense, or no clip of them is there.
    """
    base = _base(root)
    finder = Finder()
    for part, ending, split in _PARTS:
        for name, speaker, attack, label in _listed(base, part, ending):
            path = finder.find(f"{base}/{_folder(part)}/{name}.flac")
            yield Clip(
                path=Path(path), labels={"spoof": label}, speaker=speaker, split=split,
                facts={"attack": attack or "none", "method": METHODS.get(attack, "none")},
            )  # fmt: skip
    if not finder.num_found:
        raise _no_clip(root)


def expected(root: Path) -> Iterator[str]:
    """The audio of every line of the three lists."""
    base = _base(root)
    inside = "" if base == root else "LA/"
    for part, ending, _ in _PARTS:
        for name, *_ in _listed(base, part, ending):
            yield f"{inside}{_folder(part)}/{name}"


def _base(root: Path) -> Path:
    base = root / "LA" if (root / "LA").is_dir() else root
    if not (base / "ASVspoof2019_LA_cm_protocols").is_dir():
        raise _no_clip(root)
    return base


def _folder(part: str) -> str:
    return f"ASVspoof2019_LA_{part}/flac"


def _listed(base: Path, part: str, ending: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, speaker, attack (empty for people) and label of every clip of a part."""
    path = base / "ASVspoof2019_LA_cm_protocols" / f"ASVspoof2019.LA.cm.{part}.{ending}.txt"
    for number, line in lines(path):
        cells = line.split()
        if len(cells) != 5:
            raise wrong_line(path, number, f"{len(cells)} cells where 5 are needed: unpack LA.zip again")
        speaker, name, _, attack, label = cells
        if label not in CLASSES or (attack in METHODS) != (label == "spoof"):
            needed = "bonafide behind -, or spoof behind A01 to A19, is needed: unpack LA.zip again"
            raise wrong_line(path, number, f"{attack} {label}, where {needed}")
        yield name, speaker, attack if label == "spoof" else "", label


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of asvspoof2019 in {root}: it needs LA/ASVspoof2019_LA_cm_protocols, "
        "LA/ASVspoof2019_LA_train/flac/LA_T_1138215.flac and so on; give --root asvspoof2019=DIR, the folder that holds LA"
    )
