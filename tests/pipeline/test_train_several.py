"""Several teachers, several columns of classes, and another model's weights to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from noss.datasets import Clip
from noss.errors import DataError, ModelError
from noss.models import audiontt
from noss.pipeline._models import load_model, open_model
from noss.pipeline._train_batches import Loaded
from noss.pipeline._train_classes import class_of, classes_of, codes
from noss.pipeline._train_files import write_model
from noss.pipeline._train_recipe import Recipe, read_recipe
from noss.pipeline._train_setup import open_student
from noss.pipeline._train_teacher import open_teachers
from noss.pipeline.train import train


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    lines = ["file,speaker,language,mood"]
    for number in range(12):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * generator.standard_normal(4800), 16_000)
        lines.append(f"{number}.wav,s{number % 4},{['de', 'en', ''][number % 3]},{'ab'[number % 2]}")
    (tmp_path / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "clips.csv"


def recipe(**changes: Any) -> Recipe:
    given: dict[str, Any] = {"student": "audiontt/512", "objective": "match_teacher", "data": ["x"], "steps": 2}
    return Recipe(**given | changes)


def test_a_class_of_several_columns_is_what_all_of_them_say() -> None:
    rows = [{"language": "de", "mood": "a"}, {"language": "en"}, {"mood": "b", "language": "de"}, {}]
    clips = [Clip(path=Path(f"{n}.wav"), labels=row, speaker="s") for n, row in enumerate(rows)]
    assert [class_of(clip, "mood") for clip in clips] == ["a", None, "b", None]
    assert class_of(clips[1], ["language", "speaker", "mood"]) == '["en", "s", null]'
    found = classes_of({"x": clips}, ["language", "mood"])
    places = [found.index(str(class_of(clip, ["language", "mood"]))) for clip in clips]
    numbers = {name: [column[place] for place in places] for name, column in codes(found, ["language", "mood"]).items()}
    assert numbers == {"language": [0, 1, 0, -1], "mood": [0, -1, 1, -1]}
    assert codes(("a", "b"), "mood") == {"mood": [0, 1]}
    with pytest.raises(DataError, match="1 classes of 'speaker' and two are needed"):
        classes_of({"x": clips}, ["mood", "speaker"])


def test_targets_of_several_teachers_stand_one_behind_the_other(tmp_path: Path) -> None:
    asked = recipe(teacher=["logmel_stats", "mfcc_stats"])
    teachers = open_teachers(asked, wanted=True, sample_rate=16_000, cache=tmp_path)
    assert teachers is not None
    crops = (0.1 * torch.randn(2, 1, 8000), torch.tensor([[8000], [4000]]))
    numbers = torch.arange(2)
    loaded = Loaded(
        waveform_BVT=crops[0], clean=crops, lengths_BV=crops[1], source_B=numbers, label_B=numbers, names=[]
    )
    found_BVD = teachers.targets(loaded, 0).numpy()
    pieces = [crops[0][0, 0].numpy(), crops[0][1, 0, :4000].numpy()]
    each = [load_model(name).embed(pieces, sample_rate=16_000) for name in asked.teachers]
    assert found_BVD.shape == (2, 1, teachers.dim)
    np.testing.assert_allclose(found_BVD[:, 0], np.concatenate(each, axis=1), rtol=1e-5, atol=1e-5)


def test_a_teacher_with_several_layers_is_asked_for_all_by_name(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(
        "from noss.models import Card\n"
        "CARDS = {'': Card(sample_rate=16_000, frame_rate=0.0, dim=1, layers=2, source='', licence='MIT', weights=None)}\n"
        "def build(choice):\n"
        "    import torch\n"
        "    def embed(waveform_BT, lengths_B):\n"
        "        means = waveform_BT.sum(dim=1) / lengths_B\n"
        "        return torch.stack([means, 1 - means], dim=1)[:, :, None, None], torch.ones_like(lengths_B)\n"
        "    return embed\n",
        encoding="utf-8",
    )
    name = f"{tmp_path}/two.py"
    with pytest.raises(ModelError, match="2 layers: name one"):
        open_teachers(recipe(teacher=name), wanted=True, sample_rate=16_000, cache=tmp_path)
    every = open_teachers(recipe(teacher=f"{name}@all"), wanted=True, sample_rate=16_000, cache=tmp_path)
    assert every is not None and every.dim == 2


def test_a_run_with_several_of_both_learns_and_says_so(tmp_path: Path, table: Path) -> None:
    text = {
        "student": "audiontt/512",
        "objective": "multitask",
        "teacher": ["logmel_stats", "mfcc_stats"],
        "targets": "global",
        "target": ["speaker", "language", "mood"],
        "data": [f"csv/{table}"],
        "steps": 2,
        "crop_s": 0.3,
        "batch_size": 6,
        "validation": 0.3,
        "validate_every": 2,
    }
    (tmp_path / "recipe.py").write_text(f"RECIPE = {text!r}\n", encoding="utf-8")
    done = train(tmp_path / "recipe.py", out=tmp_path / "run", device="cpu", workers=0, cache=tmp_path / "cache")
    assert {"mse", "accuracy speaker", "accuracy language", "accuracy mood"} <= set(done.held_out)
    known = json.loads((tmp_path / "run" / "model.json").read_text(encoding="utf-8"))
    assert known["teacher"] == "logmel_stats and mfcc_stats"
    assert load_model(f"trained/{tmp_path}/run").embed([np.zeros(8000, np.float32)], sample_rate=16_000).shape == (
        1,
        512,
    )


def test_a_student_takes_over_what_fits_and_keeps_the_rest(tmp_path: Path) -> None:
    asked = recipe(student="noss/small-untrained", start="audiontt/512")
    taken = open_student(asked, cache=tmp_path).module.state_dict()
    given = audiontt.build("512").state_dict()
    assert {name for name in taken if name.startswith("net.")} <= set(given)
    assert all(torch.equal(taken[name], given[name]) for name in taken if name.startswith("net."))
    with pytest.raises(ModelError, match="no weight of mfcc_stats has the name"):
        open_student(recipe(start="mfcc_stats"), cache=tmp_path)


def test_the_start_of_a_run_is_what_it_took_over(tmp_path: Path) -> None:
    asked = recipe(student="noss/small-untrained", start="audiontt/512")
    student = open_student(asked, cache=tmp_path)
    write_model(tmp_path, asked, student.model, student.options, start_revision=student.start_revision, classes=[])
    again = open_model(f"trained/{tmp_path}:start").build()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in student.module.state_dict().items())


def test_a_recipe_names_one_teacher_or_a_list(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text(
        "RECIPE = {'student': 'a', 'objective': 'b', 'data': ['c'], 'steps': 1, 'teacher': ['d', 'e'], 'target': 'f'}\n",
        encoding="utf-8",
    )
    assert read_recipe(tmp_path / "r.py").teachers == ["d", "e"]
    assert read_recipe(tmp_path / "r.py", ["teacher=g"]).teachers == ["g"]
    assert recipe().teachers == []
