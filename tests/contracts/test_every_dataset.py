"""Every dataset on the shelf keeps its contract: on a small copy made here, and on the real corpus where there is one.

For a dataset of one's own, `check_dataset("./mine.py", roots={"mine": folder})` runs the same checks.
"""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from noss import shelf
from noss.datasets import Clip, Dataset
from noss.pipeline._check_dataset import check_card, check_dataset
from noss.pipeline._clips import find, open_dataset, open_tasks
from noss.pipeline._split import folds

COMPLETE = {"clips", "speakers", "hours"}  # promises that a small copy cannot keep
REAL = {"ravdess": "ravdess", "fsdd": "fsdd", "speechocean762": "speechocean_test"}
HALF = {"speechocean762"}  # the real copy holds half of the corpus


def sound(root: Path, *names: str) -> None:
    """0.1 s of noise a file, other bytes in each; 5,000 files in a second or two."""
    for name in names:
        memory = io.BytesIO()
        with wave.open(memory, "wb") as file:
            file.setparams((1, 2, 16_000, 1_600, "NONE", ""))
            file.writeframes(hashlib.sha256(name.encode()).digest() * 100)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(memory.getvalue())


def small_csv(root: Path) -> str:
    sound(root, *(f"{row}.wav" for row in range(12)))
    rows = [f"{row}.wav,s{row // 2},{'xy'[row % 2]}" for row in range(12)]
    (root / "t.csv").write_text("\n".join(["file,speaker,label", *rows]))
    return f"csv/{root}/t.csv"


def small_folder(root: Path) -> str:
    sound(root, *(f"{label}/{row}.wav" for label in ("happy", "sad") for row in range(6)))
    return f"folder/{root}"


def small_ravdess(root: Path) -> str:
    names = [f"03-01-{emotion:02d}-01-01-01" for emotion in range(1, 9)]
    sound(root, *(f"Actor_{actor:02d}/{name}-{actor:02d}.wav" for actor in range(1, 25) for name in names))
    return "ravdess"


def small_fsdd(root: Path) -> str:
    from noss.datasets.fsdd import SPEAKERS

    sound(root, *(f"recordings/{d}_{name}_{take}.wav" for d in range(10) for name in SPEAKERS for take in (0, 5, 6)))
    return "fsdd"


def small_speechocean762(root: Path) -> str:
    from noss.datasets.speechocean762 import SPEAKERS

    people = [(speaker, "fm"[row % 2], (7, 30)[row // 2 % 2]) for row, speaker in enumerate(SPEAKERS)]
    sound(root, *(f"WAVE/SPEAKER{name}/{name}{take:05d}.WAV" for name, _, _ in people for take in range(20)))
    for half in ("train", "test"):
        (root / half).mkdir()
        (root / half / "spk2gender").write_text("".join(f"{name} {gender}\n" for name, gender, _ in people))
        (root / half / "spk2age").write_text("".join(f"{name} {age}\n" for name, _, age in people))
    return "speechocean762"


def small_demo(root: Path) -> str:
    pytest.importorskip("espeakng_loader")
    root.mkdir()
    return "demo"


SMALL: Mapping[str, Callable[[Path], str]] = {
    "csv": small_csv,
    "demo": small_demo,
    "folder": small_folder,
    "fsdd": small_fsdd,
    "ravdess": small_ravdess,
    "speechocean762": small_speechocean762,
}


@pytest.fixture(scope="module", params=shelf.names("datasets"))
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Path]]:
    """Each dataset's name and the root of its small copy."""
    part = request.param
    assert part in SMALL, f"add a small copy of {part} to SMALL, so that its contract can be tried"
    root = tmp_path_factory.mktemp("small") / part
    if part != "demo":
        root.mkdir()
    return SMALL[part](root), {part: root}


@pytest.mark.parametrize("part", shelf.names("datasets"))
def test_a_dataset_states_its_source_licence_citation_and_metric(part: str) -> None:
    module = shelf.load("datasets", part)
    if not hasattr(module, "DATASET"):
        pytest.skip("a wrapper: its facts depend on its path")
    assert isinstance(module.DATASET, Dataset)
    assert [verdict for verdict in check_card(module.DATASET) if not verdict.ok] == []
    assert module.DATASET.title
    assert module.DATASET.hours > 0


@pytest.mark.parametrize("part", shelf.names("datasets"))
def test_a_datasets_first_line_says_what_it_is(part: str) -> None:
    assert 10 < len(shelf.summary("datasets", part)) <= 100


def test_a_small_copy_keeps_every_promise(small: tuple[str, dict[str, Path]], tmp_path: Path) -> None:
    name, roots = small
    verdicts = check_dataset(name, roots=roots, cache=tmp_path)
    assert [v for v in verdicts if v.ok is False and v.name not in COMPLETE] == []


def test_no_speaker_is_in_train_and_test_unless_the_dataset_says_so(small: tuple[str, dict[str, Path]]) -> None:
    name, roots = small
    shared = {*find(name, roots=roots).card.shared_targets, "speaker"}
    for task in open_tasks(name, roots=roots):
        assert (task.speakers == "shared") == (task.target in shared)
        for fold in folds(task).folds:
            if task.speakers == "disjoint":
                sides = [{task.clips[row].speaker for row in rows} for rows in (fold.train_N, fold.test_N)]
                assert not sides[0] & sides[1]


def test_clips_come_in_the_same_order_every_time_and_carry_declared_labels(small: tuple[str, dict[str, Path]]) -> None:
    name, roots = small
    card, clips, _ = open_dataset(name, roots=roots)
    again = open_dataset(name, roots=roots)[1]
    assert clips == again
    for clip in clips:
        assert isinstance(clip, Clip)
        assert set(clip.labels) <= set(card.targets)
        assert all(classes is None or clip.labels.get(t, classes[0]) in classes for t, classes in card.targets.items())


@pytest.mark.parametrize("part", sorted(REAL))
def test_a_real_copy_keeps_every_promise(part: str, noss_data: Path, tmp_path: Path) -> None:
    verdicts = check_dataset(part, roots={part: noss_data / REAL[part]}, cache=tmp_path)
    broken = [verdict for verdict in verdicts if verdict.ok is False]
    if part in HALF:
        broken = [v for v in broken if v.name not in COMPLETE | {"speaker: labels"}]
    assert broken == []
