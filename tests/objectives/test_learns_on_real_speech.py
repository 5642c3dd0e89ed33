"""Every objective learns on real speech: a tiny student, some seconds, and numbers on speech that it did not train on.

Needs `NOSS_DATA`. Bars lie between what is there without learning and the worst of five seeds.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import soundfile

from noss.audio import read
from noss.pipeline.train import train

pytestmark = pytest.mark.slow

STUDENT = Path(__file__).with_name("tiny_student.py")
NUM_SPEAKERS, CLIPS_EACH, DEV_EACH, MOST_S = 24, 8, 2, 4.0
HIDE = {"span": 2, "share": 0.15}  # pieces of 80 ms: what a net can fill in that has trained for seconds


@pytest.fixture(scope="module")
def speech(noss_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight sentences each of twelve women and twelve men, decoded once; the last two of each are `dev`."""
    corpus, folder = noss_data / "train", tmp_path_factory.mktemp("speech")
    with (corpus / "clips.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "speechocean762" and float(row["age"]) >= 16]
    speakers = sorted({(row["gender"], row["speaker"]) for row in rows})
    women, men = ([name for gender, name in speakers if gender == which][: NUM_SPEAKERS // 2] for which in "fm")
    lines = ["file,speaker,gender,split"]
    for speaker in women + men:
        own = [row for row in rows if row["speaker"] == speaker]
        longest = sorted(own, key=lambda row: -float(row["seconds"]))[:CLIPS_EACH]
        for number, row in enumerate(longest):
            end_s = min(MOST_S, float(row["seconds"]))
            waveform_T, rate = read.read(corpus / row["file"], sample_rate=16_000, end_s=end_s)
            name, split = f"{speaker}_{number}.wav", "train" if number < CLIPS_EACH - DEV_EACH else "dev"
            soundfile.write(folder / name, waveform_T, rate)
            lines.append(f"{name},{speaker},{row['gender']},{split}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noss.pipeline._train_page.show", lambda run, cache: None)


def held_out(folder: Path, speech: Path, objective: str, **changes: Any) -> Mapping[str, float]:
    """What a student says of held-out speech after forty steps, or as many as `changes` say."""
    recipe = {
        "student": str(STUDENT),
        "objective": objective,
        "data": [f"csv/{speech}/clips.csv"],
        "steps": 40,
        "crop_s": 1.0,
        "batch_size": 16,
        "lr": 3e-3,
        "validation": 0.25,  # by speaker, so nobody who is heard here was trained on
        "validate_every": 1000,
        "seed": 0,
    }
    path = folder / "recipe.py"
    path.write_text(f"RECIPE = {recipe | changes!r}\n", encoding="utf-8")
    return train(path, out=folder / f"run-{len(list(folder.iterdir()))}", device="cpu", workers=0).held_out


def untrained(folder: Path, speech: Path, objective: str, **changes: Any) -> Mapping[str, float]:
    """What it says before: after a step that is too small to matter."""
    return held_out(folder, speech, objective, **changes | {"steps": 1, "lr": 1e-12})


@pytest.mark.parametrize(
    ("objective", "changes", "most"),
    [
        ("triplet", {}, 0.8),
        ("match_teacher", {"teacher": "mfcc_stats"}, 0.5),
        ("masked_prediction", {"crop_s": 1.5, "objective_options": {"codes": 64, **HIDE}}, 0.85),
    ],
)
def test_the_loss_on_strangers_falls(
    tmp_path: Path, speech: Path, objective: str, changes: dict[str, Any], most: float
) -> None:
    before, after = untrained(tmp_path, speech, objective, **changes), held_out(tmp_path, speech, objective, **changes)
    assert after["loss"] < most * before["loss"]


def test_byol_predicts_its_average_and_does_not_collapse(tmp_path: Path, speech: Path) -> None:
    options = {"objective_options": {"hidden": 256, "project_dim": 64}}
    before, after = untrained(tmp_path, speech, "byol", **options), held_out(tmp_path, speech, "byol", **options)
    assert after["loss"] < 0.85 * before["loss"]
    assert after["spread"] > 0.5 * before["spread"], "one vector for all would make the loss zero"


def test_contrastive_finds_the_hidden_piece_among_some_ten(tmp_path: Path, speech: Path) -> None:
    options = {"target_dim": 32, **HIDE}
    after = held_out(tmp_path, speech, "contrastive", crop_s=1.5, steps=80, objective_options=options)
    among = after["hidden"] * 1.5 * 25
    assert after["found"] > 1.5 / among


def test_classify_tells_the_gender_of_strangers(tmp_path: Path, speech: Path) -> None:
    assert held_out(tmp_path, speech, "classify", target="gender")["accuracy"] > 0.7  # by chance 0.5


def test_verify_knows_speakers_again_in_other_sentences(tmp_path: Path, speech: Path) -> None:
    after = held_out(tmp_path, speech, "verify", target="speaker", validation="dev")
    assert after["accuracy"] > 5 / NUM_SPEAKERS  # by chance 1 in 24
