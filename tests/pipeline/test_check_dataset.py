"""The check of a dataset finds what is wrong with it, and nothing wrong with a good one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from noss.errors import DataError
from noss.pipeline._check_dataset import check_card, check_dataset
from noss.pipeline._clips import open_dataset
from noss.pipeline._verdict import Verdict

OWN = """
from noss.datasets import Clip, Dataset

DATASET = Dataset(
    title="Mine", source="here", licence="CC0-1.0", citation="me", metric="{metric}", num_clips={num_clips},
    hours={hours}, num_speakers={num_speakers}, targets={{"mood": ("calm", "cross"{extra})}},
)

def clips(root):
    for row in {rows}:
        mood, speaker = ("calm", "cross")[row % 2], f"s{{row // 4}}"
        split = ("train", "test")[row >= {cut}] if {cut} else None
        yield Clip(path=root / f"{{row}}.wav", labels={{"mood": mood}}, speaker=speaker, split=split, end_s={end})
"""
GOOD = {
    "metric": "uar", "num_clips": 20, "hours": 20 / 3600, "num_speakers": 5, "extra": "", "rows": "range(20)", "cut": 0,
    "end": None,
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "clips"
    folder.mkdir()
    for row in range(20):
        write(folder / f"{row}.wav", seed=row)
    return folder


def write(path: Path, *, seed: int, seconds: float = 1.0, sample_rate: int = 8_000) -> None:
    waveform_T = np.random.default_rng(seed).uniform(-0.5, 0.5, int(seconds * sample_rate))
    soundfile.write(path, waveform_T, sample_rate)


def check(root: Path, **changes: object) -> dict[str, Verdict]:
    Path("mine.py").write_text(OWN.format(**{**GOOD, **changes}))
    own = Path(f"mine{len(list(Path.cwd().glob('mine*')))}.py")
    Path("mine.py").rename(own)
    return {v.name: v for v in check_dataset(f"./{own}", roots={own.stem: root}, cache=Path("cache"))}


def test_a_good_dataset_has_nothing_to_complain_about(root: Path) -> None:
    verdicts = check(root)
    assert [verdict for verdict in verdicts.values() if verdict.ok is not True] == []
    assert {"facts", "metric", "targets", "clips", "speakers", "files", "hours", "mood: labels", "mood: splits"} <= set(
        verdicts
    )
    assert verdicts["mood: splits"].detail == "5 folds by speaker, one speaker each, speakers disjoint"
    assert verdicts["format"].detail == "20 at 8000 Hz, 1 ch"


@pytest.mark.parametrize(
    ("changes", "name", "detail"),
    [
        ({"num_clips": 21}, "clips", "20 clips, 21 declared"),
        ({"num_speakers": 6}, "speakers", "5 speakers, 6 declared"),
        ({"hours": 3.0}, "hours", "0.01 h, 3 h declared"),
        ({"metric": "uarr"}, "metric", "no metric uarr"),
        ({"extra": ', "furious"'}, "mood: labels", "no clip of furious"),
        ({"rows": "[0, 1, 2, 0]"}, "each once", "1 listed twice"),
        ({"cut": 10}, "mood", "1 speaker is in two splits (first: s2)"),
        ({"end": 1.2}, "segments", "20 end behind their file"),
        ({"extra": "", "rows": "[0, 2, 4]"}, "mood", "has 1 class among 3 clips"),
    ],
)
def test_a_broken_promise_is_found(root: Path, changes: dict[str, object], name: str, detail: str) -> None:
    verdict = check(root, **changes)[name]
    assert verdict.ok is False
    assert detail in verdict.detail


def test_missing_and_unreadable_files_are_counted_and_named(root: Path) -> None:
    (root / "3.wav").unlink()
    (root / "7.wav").write_bytes(b"no audio at all")
    verdict = check(root)["files"]
    assert verdict.ok is False
    assert verdict.detail.startswith("2 of 20 cannot be read (first: ")
    assert "3.wav" in verdict.detail


def test_short_clips_and_mixed_formats_are_remarks(root: Path) -> None:
    write(root / "3.wav", seed=3, seconds=0.05)
    write(root / "4.wav", seed=4, sample_rate=16_000)
    verdicts = check(root)
    assert (verdicts["lengths"].ok, verdicts["format"].ok) == (None, None)
    assert "1 under 0.1 s" in verdicts["lengths"].detail
    assert verdicts["format"].detail == "19 at 8000 Hz, 1 ch; 1 at 16000 Hz, 1 ch"


def test_equal_bytes_are_a_remark_that_says_whether_labels_agree(root: Path) -> None:
    (root / "4.wav").write_bytes((root / "3.wav").read_bytes())
    (root / "6.wav").write_bytes((root / "8.wav").read_bytes())
    verdict = check(root)["same bytes"]
    assert verdict.ok is None
    assert verdict.detail.startswith("2 sets of files, 1 with other labels")


def test_a_table_is_checked_with_its_warnings(root: Path) -> None:
    rows = [f"{row}.wav,{'xy'[row % 2]},test" for row in range(20)]
    (root / "t.csv").write_text("\n".join(["file,label,split", *rows]))
    verdicts = check_dataset(f"csv/{root}/t.csv/label", roots={}, cache=Path("cache"))
    assert [verdict for verdict in verdicts if verdict.ok is False] == []
    remarks = [verdict.detail for verdict in verdicts if verdict.ok is None]
    assert "states no licence, citation" in remarks
    assert any("no clip says who speaks" in remark for remark in remarks)
    assert "the split says test only: it is left aside" in remarks


def test_a_dataset_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clip of ravdess"):
        check_dataset("ravdess", roots={"ravdess": tmp_path}, cache=tmp_path)


def test_facts_that_contradict_each_other_are_found(root: Path) -> None:
    (root / "t.csv").write_text("file,label\n0.wav,x\n1.wav,y\n")
    from dataclasses import replace

    card = replace(open_dataset(f"csv/{root}/t.csv", roots={})[0], metrics={"mood": "uar"}, shared_targets=("who",))
    assert {v.name: v for v in check_card(card)}["targets"] == Verdict("targets", False, "mood, who")
