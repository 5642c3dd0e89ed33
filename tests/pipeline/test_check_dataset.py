"""The check of a dataset finds what is wrong with it, and nothing wrong with a good one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import soundfile

from noss import cli
from noss.errors import DataError, NossError
from noss.pipeline._check_dataset import check_card, check_dataset
from noss.pipeline._clips import open_dataset
from noss.pipeline._verdict import Verdict
from noss.pipeline.check import check as noss_check

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


def own(more: str = "", **changes: object) -> Path:
    path = Path(f"mine{len(list(Path.cwd().glob('mine*')))}.py")
    path.write_text(OWN.format(**{**GOOD, **changes}) + more)
    return path


def check(root: Path, more: str = "", *, listen: int | Literal["all"] = "all", **changes: object) -> dict[str, Verdict]:
    path = own(more, **changes)
    verdicts = check_dataset(f"./{path}", roots={path.stem: root}, cache=Path("cache"), listen=listen)
    return {verdict.name: verdict for verdict in verdicts}


def test_a_good_dataset_has_nothing_to_complain_about(root: Path) -> None:
    verdicts = check(root)
    assert [verdict for verdict in verdicts.values() if verdict.ok is not True] == []
    assert list(verdicts) == [
        "facts", "metric", "targets", "clips", "each once", "speakers", "files", "headers", "format", "hours", "lengths",
        "segments", "sound", "clipping", "silence", "offset", "same bytes", "mood: labels", "mood: splits",
    ]  # fmt: skip
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


def test_missing_files_are_counted_and_the_first_of_them_named(root: Path) -> None:
    for row in (3, 5, 7, 9):
        (root / f"{row}.wav").unlink()
    verdict = check(root)["files"]
    assert verdict.ok is False
    assert verdict.detail == "16 of 20 files; missing are 4 (first: 3.wav, 5.wav, 7.wav)"
    assert verdict.files[-1] == (str(root / "9.wav"), "missing: No such file or directory")


def test_a_dataset_that_knows_its_files_says_which_were_never_downloaded(root: Path) -> None:
    expected = """
def expected(root):
    yield from (f"{row}" for row in range(22))
"""
    (root / "21.flac").touch()
    (root / "4.wav").unlink()
    verdict = check(root, expected)["files"]
    assert (verdict.ok, verdict.detail) == (False, "20 of 22 files; missing are 2 (4.wav, 20)")


def test_unreadable_files_are_counted_and_the_first_told(root: Path) -> None:
    (root / "7.wav").write_bytes(b"no audio at all")
    (root / "8.wav").write_bytes(b"")
    (root / "9.wav").unlink()
    (root / "9.wav").mkdir()
    verdicts = check(root)
    assert verdicts["files"].ok is True
    assert verdicts["headers"].ok is False
    assert verdicts["headers"].detail.startswith("3 cannot be read, first: ")
    assert [Path(file).name for file, _ in verdicts["headers"].files] == ["7.wav", "8.wav", "9.wav"]


def test_git_lfs_pointers_are_known_for_what_they_are(root: Path) -> None:
    (root / "7.wav").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1234\n")
    verdicts = check(root)
    assert verdicts["git lfs"].ok is False
    assert verdicts["git lfs"].detail == f"1 (7.wav) are pointers, no audio: run git lfs pull in {root}"
    assert "headers" not in verdicts


def test_links_are_followed_and_those_that_lead_nowhere_are_missing_files(root: Path) -> None:
    (root / "elsewhere").mkdir()
    (root / "3.wav").rename(root / "elsewhere/there.wav")
    (root / "3.wav").symlink_to(root / "elsewhere/there.wav")
    (root / "4.wav").unlink()
    (root / "4.wav").symlink_to(root / "gone.wav")
    verdicts = check(root)
    assert verdicts["links"].detail == "2 files are symbolic links, of which lead nowhere 1 (4.wav)"
    assert verdicts["files"].detail == "19 of 20 files; missing are 1 (4.wav)"


def test_files_that_differ_in_capitals_only_are_a_remark_in_a_folder(tmp_path: Path) -> None:
    for row, name in enumerate(("a/One.wav", "a/one.wav", "b/two.wav")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, seed=row)
    verdicts = {v.name: v for v in check_dataset(f"folder/{tmp_path}", roots={}, cache=tmp_path / "cache")}
    assert verdicts["capitals"].ok is None
    assert verdicts["capitals"].detail.startswith("1 (a/one.wav) differ from another only in capitals")


def test_short_and_long_clips_and_mixed_formats_are_remarks(root: Path) -> None:
    write(root / "3.wav", seed=3, seconds=0.05)
    write(root / "4.wav", seed=4, sample_rate=16_000)
    write(root / "5.wav", seed=5, seconds=601, sample_rate=1_000)
    verdicts = check(root)
    assert (verdicts["lengths"].ok, verdicts["format"].ok) == (None, None)
    assert verdicts["lengths"].detail == "0.05 to 601.00 s, median 1.00 s; 1 under 0.1 s, 1 over 600 s"
    assert [Path(file).name for file, _ in verdicts["lengths"].files] == ["3.wav", "5.wav"]
    assert verdicts["format"].detail == "18 at 8000 Hz, 1 ch; 1 at 16000 Hz, 1 ch; 1 at 1000 Hz, 1 ch"


def test_clipping_silence_and_an_offset_from_zero_are_heard(root: Path) -> None:
    noise_T = np.random.default_rng(0).uniform(-0.5, 0.5, 8_000)
    soundfile.write(root / "3.wav", np.clip(4 * noise_T, -1, 1), 8_000)
    soundfile.write(root / "4.wav", noise_T / 1_000, 8_000)
    soundfile.write(root / "5.wav", noise_T / 2 + 0.2, 8_000)
    verdicts = check(root)
    found = {name: verdicts[name].files[0][0] for name in ("clipping", "silence", "offset")}
    assert {name: Path(file).name for name, file in found.items()} == {
        "clipping": "3.wav", "silence": "4.wav", "offset": "5.wav",
    }  # fmt: skip
    assert {verdicts[name].ok for name in found} == {None}
    assert verdicts["silence"].detail == "1 (4.wav) are never louder than -60 dB"


def test_only_as_many_clips_are_decoded_as_asked_for_and_the_check_says_so(root: Path) -> None:
    assert check(root, listen=6)["sound"].detail == "6 of 20 clips decoded, drawn by seed 0: --listen all decodes all"
    assert check(root, listen="all")["sound"].detail == "20 of 20 clips decoded"
    none = check(root, listen=0)
    assert none["sound"].ok is None
    assert "clipping" not in none


def test_a_number_of_clips_below_zero_is_refused(root: Path) -> None:
    with pytest.raises(NossError, match="--listen -1 is no number of clips"):
        noss_check("dataset", f"folder/{root}", listen=-1)


def test_a_file_that_opens_but_does_not_decode_is_a_failure(root: Path) -> None:
    soundfile.write(root / "3.wav", np.full(8_000, np.nan, np.float32), 8_000, subtype="FLOAT")
    verdict = check(root)["sound"]
    assert verdict.ok is False
    assert re.search(r"20 of 20 clips decoded; 1 fail, first: .*3\.wav holds NaN", verdict.detail)


def test_counts_by_split_and_label_are_compared_with_those_declared(root: Path) -> None:
    more = """
import dataclasses
DATASET = dataclasses.replace(
    DATASET, num_by_split={"train": 12, "test": 8}, num_by_label={"mood": {"calm": 11, "cross": 10}}
)
"""
    verdicts = check(root, more, cut=12)
    assert verdicts["clips by split"] == Verdict("clips by split", True, "train 12, test 8")
    assert verdicts["clips by mood"] == Verdict("clips by mood", False, "calm 10 of 11")


def test_every_file_that_a_verdict_is_about_is_written_out(root: Path) -> None:
    (root / "3.wav").unlink()
    (root / "7.wav").write_bytes(b"no audio at all")
    path = own()
    findings = noss_check("dataset", f"./{path}", root=[f"{path.stem}={root}"], out=root.parent)
    lines = (root.parent / "files.csv").read_text().splitlines()
    assert lines[:2] == ["file,verdict,what", f"{root}/3.wav,files,missing: No such file or directory"]
    assert len(lines) == 3 and "7.wav,headers," in lines[2]
    assert {verdict.name for verdict in findings.failures} == {"files", "headers", "hours"}


def test_the_command_exits_with_3_and_one_line_where_a_promise_is_broken(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "3.wav").unlink()
    path = own()
    with pytest.raises(SystemExit, match=r"^3$"):
        cli.main(["check", "dataset", f"./{path}", "--root", f"{path.stem}={root}", "--listen", "all"])
    streams = capsys.readouterr()
    assert "FAIL  files         19 of 20 files; missing are 1 (3.wav)" in streams.out
    assert streams.err == "noss: done, but 1 failed: files: 19 of 20 files; missing are 1 (3.wav)\n"


def test_equal_bytes_are_a_remark_that_says_whether_labels_agree(root: Path) -> None:
    (root / "4.wav").write_bytes((root / "3.wav").read_bytes())
    (root / "6.wav").write_bytes((root / "8.wav").read_bytes())
    verdict = check(root)["same bytes"]
    assert verdict.ok is None
    assert verdict.detail.startswith("2 sets of files, 1 with other labels")


def test_files_of_one_size_and_ending_that_differ_are_not_the_same(root: Path) -> None:
    start, end = bytes(range(256)) * 40, (root / "3.wav").read_bytes()[-8_000:]
    header = (root / "3.wav").read_bytes()[:44]
    for name in ("3.wav", "4.wav"):
        middle = name.encode() * 600
        (root / name).write_bytes(header + middle + start[: 16_000 - len(middle) - len(end)] + end)
    assert check(root)["same bytes"].detail == "no two files"


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
