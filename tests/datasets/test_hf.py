"""Hugging Face datasets, written by the library itself: folders, the hub's ids, kinds of audio columns, bad sets."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import pytest
import soundfile

from noss.datasets import Clip, _hf_rows, hf
from noss.errors import DataError, MissingExtraError
from noss.pipeline._clips import open_dataset, open_tasks

datasets = pytest.importorskip("datasets")
ROWS = 6


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hub"))
    datasets.disable_progress_bars()


def sound(seed: int) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes([seed, 1]) * 800)
    return memory.getvalue()


def made(split: str = "train", **columns: Any) -> Any:
    rows = {
        "audio": [{"bytes": sound(row), "path": f"{split}_{row}.wav"} for row in range(ROWS)],
        "label": [row % 2 for row in range(ROWS)],
        "speaker_id": [f"{split}{row // 2}" for row in range(ROWS)],
        "score": [float(row % 3) for row in range(ROWS)],
    }
    found = datasets.Dataset.from_dict(rows | columns)
    if "audio" not in columns:
        found = found.cast_column("audio", datasets.Audio())
    return found.cast_column("label", datasets.ClassLabel(names=["sad", "happy"]))


def saved(path: str) -> None:
    datasets.DatasetDict({split: made(split) for split in ("train", "validation", "test")}).save_to_disk(path)


def parquet(path: str) -> None:
    Path(path).mkdir(parents=True)
    for split in ("train", "validation", "test"):
        made(split).to_parquet(f"{path}/{split}-00000-of-00001.parquet")


def listed(name: str) -> list[Clip]:
    return open_dataset(f"hf/{name}", roots={})[1]


@pytest.mark.parametrize("make", [saved, parquet])
def test_a_folder_is_read_with_its_splits_classes_and_speakers(make: Any) -> None:
    make("w")
    card, clips, _ = open_dataset("hf/./w", roots={})
    assert card.targets["label"] == ("sad", "happy")
    assert card.targets["score"] is None
    assert [clip.split for clip in clips] == ["train"] * ROWS + ["dev"] * ROWS + ["test"] * ROWS
    assert [clip.labels["label"] for clip in clips[:3]] == ["sad", "happy", "sad"]
    assert [clip.speaker for clip in clips[:3]] == ["train0", "train0", "train1"]
    assert clips[1].path.read_bytes() == sound(1)
    assert clips[1].path.name == "0000001_train-1-train_1.wav"


def test_an_audio_folder_is_read_where_it_lies() -> None:
    for name in ("train/sad/a.wav", "train/happy/b.wav", "test/sad/c.wav", "test/happy/d.wav"):
        Path("w", name).parent.mkdir(parents=True, exist_ok=True)
        Path("w", name).write_bytes(sound(len(name)))
    clips = listed("w")
    assert {clip.path for clip in clips} == {path.absolute() for path in Path("w").rglob("*.wav")}
    assert {(clip.path.parent.name, clip.labels["label"]) for clip in clips} == {("sad", "sad"), ("happy", "happy")}
    assert {clip.split for clip in clips} == {"train", "test"}


def test_one_parquet_file_is_a_set_without_a_split() -> None:
    made().to_parquet("a.parquet")
    assert {clip.split for clip in listed("./a.parquet")} == {None}
    (task,) = open_tasks("hf/a.parquet", roots={})
    assert (task.name, task.classes) == ("hf/a.parquet/label", ("sad", "happy"))
    Path("a.json").write_text("{}")
    with pytest.raises(DataError, match=r"a\.json is no parquet file: give one"):
        listed("a.json")


def test_a_config_is_one_of_the_sets_own() -> None:
    parquet("w")
    assert len(listed("./w:default")) == 3 * ROWS
    with pytest.raises(DataError, match=r"cannot read hf/\./w:en: BuilderConfig 'en' not found. Available: .*default"):
        listed("./w:en/label")


def test_an_unchanged_set_is_copied_once_and_a_changed_one_again() -> None:
    parquet("w")
    first = open_dataset("hf/w", roots={})[2]
    assert open_dataset("hf/./w/label", roots={})[2] == first
    made("train", label=[1] * ROWS).to_parquet("w/train-00000-of-00001.parquet")
    assert open_dataset("hf/w", roots={})[2] != first


@pytest.mark.parametrize(
    ("audio", "more"),
    [
        ([{"array": [0.5, -0.5], "sampling_rate": 8_000}] * ROWS, {}),
        ([[0.5, -0.5]] * ROWS, {"sampling_rate": [8_000] * ROWS}),
        ([[[0.5, 0.5], [-0.5, -0.5]]] * ROWS, {"sample_rate": [8_000] * ROWS}),
    ],
    ids=["array and rate", "bare samples", "channels"],
)
def test_decoded_audio_becomes_wav_files(audio: Any, more: dict[str, Any]) -> None:
    made(audio=audio, **more).to_parquet("a.parquet")
    samples, rate = soundfile.read(str(listed("a.parquet")[0].path), always_2d=True)
    assert (samples[:, 0].tolist(), rate) == ([0.5, -0.5], 8_000)


def test_broken_and_missing_audio_stay_clips_for_the_pipeline_to_report() -> None:
    audio = [
        {"bytes": b"junk", "path": "a.wav"},
        None,
        {"bytes": sound(1), "path": None},
        {"bytes": b"", "path": "e.mp3"},
    ]
    audio += [{"bytes": None, "path": "gone.wav"}, {"bytes": b"fLaC", "path": None}]
    made(audio=audio).to_parquet("a.parquet")
    clips = listed("a.parquet")
    assert [clip.path.exists() for clip in clips] == [True, False, True, True, False, True]
    assert clips[0].path.read_bytes() == b"junk"
    assert clips[5].path.suffix == ".flac"


def test_a_withheld_class_is_no_label() -> None:
    made(label=[0, -1, None, 1, 0, 1]).to_parquet("a.parquet")
    assert [clip.labels.get("label") for clip in listed("a.parquet")] == ["sad", None, None, "happy", "sad", "happy"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"audio": ["a.wav"] * ROWS}, r"has no column of audio \(its columns: audio, label, speaker_id, score\): give"),
        ({"audio": [[0.5]] * ROWS}, "has bare samples in its column 'audio' and no column sampling_rate: add one"),
        ({"audio": [[0.5]] * ROWS, "sampling_rate": [0] * ROWS}, "the clip train-0 has no sampling rate"),
        ({"audio": [[0.5]] * ROWS, "sampling_rate": [None] * ROWS}, "the clip train-0 has no sampling rate"),
    ],
)
def test_a_set_without_audio_or_its_rate_is_one_line(columns: dict[str, Any], message: str) -> None:
    made(**columns).to_parquet("a.parquet")
    with pytest.raises(DataError, match=message):
        listed("a.parquet")


def test_several_columns_of_audio_need_one_named_audio() -> None:
    both = made().add_column("near", [{"bytes": sound(1), "path": "a"}] * ROWS)
    both.to_parquet("a.parquet")
    assert len(listed("a.parquet")) == ROWS
    both.rename_column("audio", "far").to_parquet("b.parquet")
    with pytest.raises(DataError, match=r"several columns of audio \(far, near\): name one of them 'audio'"):
        listed("b.parquet")


def test_a_folder_that_is_no_set_is_one_line() -> None:
    Path("empty").mkdir()
    Path("script").mkdir()
    Path("script/script.py").write_text("raise SystemExit('it ran')")
    Path("broken").mkdir()
    Path("broken/train.parquet").write_bytes(b"PAR1junk")
    for name, message in (("empty", "any data files"), ("script", "[Ss]cripts"), ("broken", "")):
        with pytest.raises(DataError, match=rf"cannot read hf/{name}: .*{message}.*; check the name") as caught:
            listed(name)
        assert "\n" not in str(caught.value)
    saved("w")
    with pytest.raises(DataError, match="w is a saved set, which has no configs: leave out :en"):
        listed("w:en")
    with pytest.raises(DataError, match="w is on this disk, and only sets on the hub have revisions: leave out @v1"):
        listed("w@v1")
    with pytest.raises(DataError, match=r"there is no file or folder \./ww: did you mean w"):
        listed("./ww")


@pytest.mark.parametrize(
    ("choice", "source", "target"),
    [
        ("user/set", "user/set", None), ("user/set/label", "user/set", "label"), ("set", "set", None),
        ("user/set:en-US", "user/set:en-US", None), ("user/set:en/label", "user/set:en", "label"),
        ("set:en/label", "set:en", "label"), ("user/set@v1.0/label", "user/set@v1.0", "label"),
        ("user/set:en@main", "user/set:en@main", None),
        ("user/set@refs/convert/parquet/label", "user/set@refs/convert/parquet", "label"),
        ("../my sets/a:en/label", "../my sets/a:en", "label"),
    ],
)  # fmt: skip
def test_a_name_is_taken_apart(choice: str, source: str, target: str | None) -> None:
    match = hf.CHOICE.fullmatch(choice)
    assert match is not None
    assert (match["source"], match["target"]) == (source, target)


@pytest.mark.parametrize("choice", ["./gone", "./gone/label", "/gone", "../gone/a/label", "a/b/c/d"])
def test_a_path_that_is_not_there_is_no_id(choice: str) -> None:
    assert hf.CHOICE.fullmatch(choice) is None


class Hub:
    """The hub as the library's two calls see it: a set by its name, at a commit."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.commit, self.calls = folder, "a" * 40, list[tuple[Any, ...]]()
        self.is_there = True

    def commit_of(self, name: str, revision: str | None) -> str | None:
        self.calls.append((name, revision))
        return self.commit if self.is_there else None

    def load(self, name: str, config: str | None, *, commit: str) -> Any:
        self.calls.append((name, config, commit))
        return datasets.load_dataset(str(self.folder), streaming=True)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    parquet("far/away")
    found = Hub(tmp_path / "far/away")
    monkeypatch.setattr(_hf_rows, "commit", found.commit_of)
    monkeypatch.setattr(_hf_rows, "from_hub", found.load)
    return found


def test_a_set_on_the_hub_is_copied_once_a_commit(hub: Hub) -> None:
    card, clips, root = open_dataset("hf/user/set:en@main/label", roots={})
    assert hub.calls == [("user/set", "main"), ("user/set", "en", "a" * 40)]
    assert card.source == f"https://huggingface.co/datasets/user/set/tree/{'a' * 40}"
    assert len(clips) == 3 * ROWS
    assert open_dataset("hf/user/set:en@main", roots={})[2] == root
    hub.commit = "b" * 40
    assert open_dataset("hf/user/set:en@main", roots={})[2] != root


def test_without_a_network_the_last_copy_is_read(hub: Hub) -> None:
    root = open_dataset("hf/user/set", roots={})[2]
    hub.is_there = False
    assert open_dataset("hf/user/set/label", roots={})[2] == root
    with pytest.raises(DataError, match="no file or folder user/other, and the hub cannot be reached"):
        listed("user/other/label")


def test_a_commit_needs_no_network_once_it_is_copied(hub: Hub) -> None:
    listed(f"user/set@{'c' * 40}")
    assert hub.calls == [("user/set", None, "c" * 40)]
    hub.calls.clear()
    listed(f"user/set@{'c' * 40}/label")
    assert hub.calls == []


@pytest.mark.parametrize("kind", ["RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"])
def test_a_set_that_the_hub_does_not_have_is_told(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    import huggingface_hub

    def answer(*_: Any, **__: Any) -> Any:
        error = getattr(huggingface_hub.errors, kind)
        raise error.__new__(error, "404\nnot found")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", answer)
    with pytest.raises(DataError, match=r"no file or folder user/st and no set of that name on the hub .*: check the"):
        listed("user/st")


def test_the_hub_is_not_there_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def answer(*_: Any, **__: Any) -> Any:
        raise ConnectionError("offline")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", answer)
    assert _hf_rows.commit("user/set", None) is None


def test_without_the_package_the_line_that_installs_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    parquet("w")
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"hf/w needs the package datasets.*: pip install 'noss\[hf\]'"):
        listed("w")
