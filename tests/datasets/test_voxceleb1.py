"""VoxCeleb1: the list for identification, archives together or apart, a part of one's own, who is who."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniatures import voxceleb1 as miniature
from noss.datasets import Clip, voxceleb1
from noss.errors import DataError
from noss.pipeline._clips import open_tasks
from noss.pipeline._split import folds

LIST = "1 id10001/A/00001.wav\n2 id10001/B/00001.wav\n3 id10002/C/00001.wav\n1 id10002/D/00001.wav\n"


def corpus(root: Path, *, text: str = LIST, folder: str = "wav", suffix: str = ".wav") -> Path:
    """Four clips of two speakers, empty files: no audio is opened where clips are listed."""
    for line in LIST.splitlines():
        path = (root / folder / line.split()[1]).with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "iden_split.txt").write_bytes(text.encode())
    return root


def listed(root: Path) -> list[tuple[str | None, str | None]]:
    return [(clip.speaker, clip.split) for clip in voxceleb1.clips(root)]


def test_the_list_says_who_is_in_train_dev_and_test(tmp_path: Path) -> None:
    assert listed(corpus(tmp_path)) == [
        ("id10001", "train"), ("id10001", "dev"), ("id10002", "test"), ("id10002", "train"),
    ]  # fmt: skip


@pytest.mark.parametrize("folder", ["wav", "vox1_dev_wav/wav", "vox1_test_wav/wav", "dev/wav", "test/wav"])
def test_archives_may_lie_together_or_each_in_its_folder(tmp_path: Path, folder: str) -> None:
    found = list(voxceleb1.clips(corpus(tmp_path, folder=folder)))
    assert {clip.path.parents[2] for clip in found} == {tmp_path / folder}
    assert all(clip.path.is_file() for clip in found)


def test_files_are_found_whatever_their_suffix_and_lists_may_have_windows_line_ends(tmp_path: Path) -> None:
    found = list(voxceleb1.clips(corpus(tmp_path, text=LIST.replace("\n", "\r\n"), suffix=".flac")))
    assert [clip.path.name for clip in found] == ["00001.flac"] * 4


def test_a_video_is_a_session_and_the_owners_table_tells_gender_and_nationality(tmp_path: Path) -> None:
    header = "VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet"
    (corpus(tmp_path) / "vox1_meta.csv").write_text(f"{header}\nid10001\tA.J._Buckley\tm\tIreland\tdev\n")
    first, _, third, _ = voxceleb1.clips(tmp_path)
    assert (first.session, dict(first.facts)) == ("A", {"gender": "m", "nationality": "Ireland"})
    assert (third.session, dict(third.facts)) == ("C", {})


def test_a_table_of_speakers_without_its_columns_is_refused(tmp_path: Path) -> None:
    (corpus(tmp_path) / "vox1_meta.csv").write_text("<html>\n</html>\n")
    with pytest.raises(DataError, match=r"vox1_meta.csv has the columns <html>, and VoxCeleb1 ID, .* are needed"):
        list(voxceleb1.clips(tmp_path))


def test_a_list_of_ones_own_leaves_all_other_clips_out_and_a_loud_line_says_so(tmp_path: Path) -> None:
    assert voxceleb1.warnings(corpus(tmp_path)) == []
    (tmp_path / "subset.txt").write_text("id10002/D/00001.wav\nid10001/A/00001.wav\n\n")
    assert listed(tmp_path) == [("id10001", "train"), ("id10002", "train")]
    assert voxceleb1.warnings(tmp_path) == ["2 of 4 clips are listed in subset.txt: scores are of these alone"]


def test_a_clip_of_the_subset_that_the_corpus_does_not_have_is_named_with_its_line(tmp_path: Path) -> None:
    (corpus(tmp_path) / "subset.txt").write_text("id10001/A/00001.wav\nid10001/A/99999.wav\n")
    with pytest.raises(DataError, match=r"subset.txt line 2: 'id10001/A/99999.wav' is no clip of iden_split.txt"):
        list(voxceleb1.clips(tmp_path))


def test_a_file_that_is_missing_keeps_its_clip_unless_all_are(tmp_path: Path) -> None:
    corpus(tmp_path)
    (tmp_path / "wav/id10001/A/00001.wav").unlink()
    assert len(listed(tmp_path)) == 4
    (tmp_path / "wav").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"no clip of voxceleb1 in .*: it needs .*; give --root voxceleb1=DIR"):
        listed(tmp_path)


def test_without_the_list_it_is_asked_for(tmp_path: Path) -> None:
    (corpus(tmp_path) / "iden_split.txt").unlink()
    with pytest.raises(DataError, match=r"no clip of voxceleb1 in .*: it needs iden_split.txt"):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("4 id10001/A/00002.wav", "line 5: '4 id10001/A/00002.wav' is not as 1 id10001"),
        ("1 id99999/A/00002.wav", "line 5: '1 id99999/A/00002.wav' is not as 1 id10001"),
        ("id10001/A/00002.wav", "line 5: 'id10001/A/00002.wav' is not as 1 id10001"),
        ("2 id10001/A/00001.wav", "line 5: id10001/A/00001.wav is listed twice"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=f"iden_split.txt {message}"):
        listed(corpus(tmp_path, text=f"{LIST}{line}\n"))


def test_the_published_split_is_used_with_all_speakers_on_both_sides(tmp_path: Path) -> None:
    miniature.build(tmp_path)
    (task,) = open_tasks("voxceleb1", roots={"voxceleb1": tmp_path})
    protocol = folds(task)
    assert (protocol.name, protocol.selection) == (
        "published split, same speakers on both sides",
        "published dev split",
    )
    clips: list[Clip] = task.clips
    assert {clip.path.relative_to(tmp_path).parts[0] for clip in clips} == {"vox1_dev_wav", "vox1_test_wav"}


def test_the_published_counts_add_up() -> None:
    assert sum(voxceleb1.DATASET.num_by_split.values()) == voxceleb1.DATASET.num_clips == 148_642 + 4_874
    assert (voxceleb1.SPEAKERS[0], voxceleb1.SPEAKERS[-1], len(voxceleb1.SPEAKERS)) == ("id10001", "id11251", 1_251)


def test_trials_are_the_owners_list_without_wrong_labels_where_it_is_there(tmp_path: Path) -> None:
    assert list(voxceleb1.trials(corpus(tmp_path))) == []
    (tmp_path / "veri_test.txt").write_text("1 id10001/A/00001.wav id10001/B/00001.wav\n")
    first, second = (clip.path for clip in list(voxceleb1.clips(tmp_path))[:2])
    assert list(voxceleb1.trials(tmp_path)) == [(first, second, True)]
    (tmp_path / "veri_test2.txt").write_text("0 id10001/A/00001.wav id10002/C/00001.wav\n")
    assert [same for _, _, same in voxceleb1.trials(tmp_path)] == [False]


def test_trials_find_files_as_clips_do(tmp_path: Path) -> None:
    corpus(tmp_path, folder="dev/wav", suffix=".flac")
    (tmp_path / "veri_test2.txt").write_text("1 id10001/A/00001.wav id10001/B/00001.wav\n")
    paths = {clip.path for clip in voxceleb1.clips(tmp_path)}
    assert all({first, second} <= paths for first, second, _ in voxceleb1.trials(tmp_path))


@pytest.mark.parametrize(
    "line",
    ["2 id10001/A/00001.wav id10001/B/00001.wav", "1 id10001/A/00001.wav", "1 ../A/1.wav id10001/B/00001.wav"],
)
def test_a_trial_that_makes_no_sense_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    (corpus(tmp_path) / "veri_test.txt").write_text(f"\n{line}\n")
    with pytest.raises(DataError, match=r"veri_test.txt line 2: .* fetch .*/meta/veri_test.txt"):
        list(voxceleb1.trials(tmp_path))
