"""voxforge, speech_commands and voxceleb against the builders of TensorFlow Datasets, file by file."""

from __future__ import annotations

import importlib
import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tfds_builder import Record, built

from miniatures import voxforge as voxforge_miniature
from noss import shelf
from noss.datasets import Clip

SPLITS = {"train": "train", "dev": "validation", "test": "test"}
VOXFORGE = "https://storage.googleapis.com/tfds-data/downloads/voxforge/voxforge_urls.txt"
VOXCELEB = "http://www.robots.ox.ac.uk/~vgg/data/voxceleb/meta/iden_split.txt"
SPEECH_COMMANDS = "http://download.tensorflow.org/data"

pytestmark = pytest.mark.slow


def miniature(name: str, root: Path) -> list[Clip]:
    root.mkdir()
    importlib.import_module(f"miniatures.{name}").build(root)
    return list(shelf.load("datasets", name).clips(root))


def records(clips: Iterable[Clip], key: Callable[[Clip], str], *, target: str, who: bool) -> dict[str, list[Record]]:
    """Our clips as the builders' records."""
    found: dict[str, list[Record]] = {name: [] for name in SPLITS.values()}
    for clip in clips:
        assert clip.split is not None
        found[SPLITS[clip.split]].append((key(clip), str(clip.labels[target]), clip.speaker if who else None))
    return {split: sorted(rows) for split, rows in found.items()}


def pack(folder: Path, archive: Path, *, inside: str) -> Path:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz", compresslevel=1) as file:
        file.add(folder, arcname=inside)
    return archive


def test_voxforge_agrees_with_tensorflow_datasets_file_by_file(tmp_path: Path) -> None:
    clips = miniature("voxforge", tmp_path / "corpus")
    for language, archive in (*voxforge_miniature.ARCHIVES, *voxforge_miniature.LEFT_OUT):
        place = f"{voxforge_miniature.PLACE.format(language=language)}/{archive}"
        pack(tmp_path / "corpus" / place, tmp_path / "manual" / f"{place}.tgz", inside=archive)
    theirs = built(
        "voxforge",
        data_dir=tmp_path / "tfds",
        manual_dir=tmp_path / "manual",
        downloads={VOXFORGE: tmp_path / "corpus" / "voxforge_urls.txt"},
    )
    ours = records(
        clips,
        lambda clip: f"{clip.labels['language']}_{clip.session}.tgz_{clip.path.stem}",
        target="language",
        who=True,
    )
    assert ours == theirs
    assert sum(map(len, theirs.values())) == len(clips) == 2 * (len(voxforge_miniature.ARCHIVES) - 1)


def test_speech_commands_agrees_with_tensorflow_datasets_file_by_file(tmp_path: Path) -> None:
    clips = [clip for clip in miniature("speech_commands", tmp_path / "corpus") if "word12" in clip.labels]
    names = ("speech_commands_v0.02", "speech_commands_test_set_v0.02")
    downloads = {
        f"{SPEECH_COMMANDS}/{name}.tar.gz": pack(tmp_path / "corpus" / name, tmp_path / f"{name}.tar.gz", inside=".")
        for name in names
    }
    theirs = built("speech_commands", data_dir=tmp_path / "tfds", downloads=downloads)

    def key(clip: Clip) -> str:
        name = f"{clip.path.parent.name}_{clip.path.name}"
        return name if clip.end_s is None else f"{name}_{round(clip.start_s * 16_000)}"

    assert records(clips, key, target="word12", who=False) == theirs
    silence = {split: sum(label == "_silence_" for _, label, _ in rows) for split, rows in theirs.items()}
    assert silence == {"train": 85_511 - 84_843, "validation": 10_102 - 9_981, "test": 2}


def test_voxceleb_agrees_with_tensorflow_datasets_on_every_clip_of_the_development_archive(tmp_path: Path) -> None:
    clips = miniature("voxceleb1", tmp_path / "corpus")
    development = [clip for clip in clips if clip.path.is_relative_to(tmp_path / "corpus" / "vox1_dev_wav")]
    shutil.make_archive(str(tmp_path / "manual" / "vox_dev_wav"), "zip", tmp_path / "corpus" / "vox1_dev_wav")
    theirs = built(
        "voxceleb",
        data_dir=tmp_path / "tfds",
        manual_dir=tmp_path / "manual",
        downloads={VOXCELEB: tmp_path / "corpus" / "iden_split.txt"},
    )
    ours = records(development, lambda clip: "/".join(clip.path.parts[-3:]), target="speaker", who=False)
    as_numbers = {
        split: [(key, str(int(speaker.removeprefix("id1"))), who) for key, speaker, who in rows]
        for split, rows in ours.items()
    }
    assert as_numbers == theirs
    assert 0 < len(development) < len(clips)
