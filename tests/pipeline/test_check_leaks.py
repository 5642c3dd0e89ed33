"""The verb finds every kind of leak that is planted in a table, names it, and exits with 3; a clean table passes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import soundfile
from made_voice import RATE, voice

from noss import cli
from noss.errors import DataError, NossError
from noss.models import Card
from noss.pipeline._clips import find
from noss.pipeline._leaks_trained import check_trained
from noss.pipeline._verdict import Verdict
from noss.pipeline.check import Findings, check

NUM_CLIPS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two moods, eight speakers of three clips, a sentence that all say."""
    made = tmp_path_factory.mktemp("clips")
    for row in range(NUM_CLIPS):
        soundfile.write(made / f"{row}.wav", voice(row % 3, take=row, seconds=1.0), RATE)
    return made


def rows() -> list[dict[str, str]]:
    return [
        {
            "file": f"{row}.wav",
            "speaker": f"s{row // 3}",
            "mood": ("calm", "cross")[row % 2],
            "split": "test" if row >= 18 else "train",
        }
        for row in range(NUM_CLIPS)
    ]


def leaks(folder: Path, table: list[dict[str, str]], **options: object) -> dict[str, Verdict]:
    findings = found(folder, table, **options)
    assert len({verdict.name for verdict in findings.verdicts}) == len(findings.verdicts)
    return {verdict.name: verdict for verdict in findings.verdicts}


def found(folder: Path, table: list[dict[str, str]], **options: object) -> Findings:
    path = folder / "clips.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return check("leaks", f"csv/{path}/mood", **options)  # type: ignore[arg-type]


def failed(verdicts: dict[str, Verdict]) -> list[str]:
    return [name for name, verdict in verdicts.items() if verdict.ok is False]


def test_a_clean_table_has_no_leak(folder: Path) -> None:
    verdicts = leaks(folder, rows())
    assert failed(verdicts) == []
    assert verdicts["mood: speakers"].detail == "none of 8 on two sides"
    assert verdicts["sound"].detail == "24 of 24 clips decoded"


def test_speakers_on_two_sides_are_counted_and_the_first_named(folder: Path) -> None:
    table = [{**row, "split": "test" if number % 3 == 2 else "train"} for number, row in enumerate(rows())]
    verdicts = leaks(folder, table)
    assert failed(verdicts) == ["mood: splits", "mood: speakers"]
    assert verdicts["mood: speakers"].detail == "8 of 8 on two sides (first: s0, s1, s2, s3, s4)"
    assert len(verdicts["mood: speakers"].files) == NUM_CLIPS


def test_a_session_of_a_nameless_speaker_on_two_sides_is_a_leak(folder: Path) -> None:
    table = [{**row, "speaker": "", "session": f"day {number % 12}"} for number, row in enumerate(rows())]
    verdicts = leaks(folder, table)
    assert failed(verdicts) == ["mood: sessions"]
    assert verdicts["mood: sessions"].detail.startswith("6 of 12 on two sides (first: day 6")


def test_sentences_on_two_sides_are_a_remark(folder: Path) -> None:
    table = [{**row, "sentence": f"line {number % 3}"} for number, row in enumerate(rows())]
    verdicts = leaks(folder, table)
    assert failed(verdicts) == []
    assert verdicts["mood: sentences"].ok is None
    assert verdicts["mood: sentences"].detail == "3 of 3 on two sides (line 0, line 1, line 2)"


def test_one_sound_on_two_sides_under_two_labels_and_two_speakers_is_told_three_times(folder: Path) -> None:
    wave_T, rate = soundfile.read(folder / "2.wav")
    (folder / "copy.wav").write_bytes((folder / "0.wav").read_bytes())
    soundfile.write(folder / "copy.flac", soundfile.read(folder / "1.wav", dtype="int16")[0], rate)
    soundfile.write(folder / "copy.mp3", 0.5 * wave_T[2_000:], rate)
    table = rows()
    for row, name in ((21, "copy.wav"), (22, "copy.flac"), (23, "copy.mp3")):
        table[row]["file"] = name
    verdicts = leaks(folder, table)
    assert verdicts["mood: the same bytes"].detail == "1 pair (0.wav and copy.wav) on two sides"
    assert verdicts["mood: the same samples"].detail == "1 pair (1.wav and copy.flac) on two sides"
    assert verdicts["mood: nearly the same sound"].detail == "1 pair (2.wav and copy.mp3) on two sides"
    assert verdicts["mood: labels of the same sound"].detail.startswith("3 pairs (first: 0.wav and copy.wav) differ")
    assert verdicts["one sound, two speakers"].ok is False
    assert "mood calm and cross" in verdicts["mood: labels of the same sound"].files[0][1]


def test_pieces_of_one_file_on_two_sides_are_a_leak(folder: Path) -> None:
    table = [{**row, "start": "0", "end": "0.5"} for row in rows()]
    table[20] |= {"file": "0.wav", "start": "0.5", "end": "1"}
    verdicts = leaks(folder, table)
    assert failed(verdicts) == ["mood: recordings"]


def test_a_broken_file_is_told_and_costs_only_its_clip(folder: Path) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF")
    table = rows()
    table[3]["file"] = "broken.wav"
    verdicts = leaks(folder, table)
    assert failed(verdicts) == ["sound"]
    assert verdicts["sound"].detail.startswith("23 of 24 clips decoded; 1 fail, first: ")


def test_clips_without_labels_are_still_compared(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").write_bytes((folder / "0.wav").read_bytes())
    verdicts = {verdict.name: verdict for verdict in check("leaks", f"folder/{tmp_path}").verdicts}
    assert verdicts["the same bytes"].detail == "1 pair (a.wav and b.wav)"


def test_an_unknown_target_and_a_model_for_another_check_are_refused_in_one_line(folder: Path) -> None:
    found(folder, rows())
    with pytest.raises(DataError, match="has no target 'mod': did you mean mood"):
        check("leaks", f"csv/{folder / 'clips.csv'}/mod")
    with pytest.raises(NossError, match="--model yamnet is for noss check leaks"):
        check("dataset", f"csv/{folder / 'clips.csv'}", model="yamnet")


def test_findings_are_written_as_csv_and_as_json(folder: Path, tmp_path: Path) -> None:
    table = rows()
    table[23]["file"] = "twin.wav"
    (folder / "twin.wav").write_bytes((folder / "0.wav").read_bytes())
    findings = found(folder, table, out=tmp_path / "leaks.csv")
    found(folder, table, out=tmp_path / "leaks.json")
    with (tmp_path / "leaks.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert {row["verdict"] for row in written} >= {"the same bytes", "mood: the same bytes"}
    assert any(row["file"].endswith("twin.wav") and "train and test" in row["what"] for row in written)
    facts = json.loads((tmp_path / "leaks.json").read_text())
    assert [one["verdict"] for one in facts] == [verdict.name for verdict in findings.verdicts]
    assert [one["ok"] for one in facts] == [verdict.ok for verdict in findings.verdicts]


def test_the_command_exits_with_3_where_something_leaks_and_0_where_nothing_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for leaky in (False, True):
        table = [{**row, "speaker": "s0" if leaky and row["file"] == "23.wav" else row["speaker"]} for row in rows()]
        found(folder, table)
        with pytest.raises(SystemExit) as exit_:
            cli.main(["check", "leaks", f"csv/{folder / 'clips.csv'}/mood"])
        assert exit_.value.code == (3 if leaky else 0)
    assert "FAIL  mood: speakers" in capsys.readouterr().out


def card(*trained_on: str, num_parameters: int | None = None) -> Card:
    return Card(
        sample_rate=16_000, frame_rate=0.0, dim=1, source="", licence="", weights=None, trained_on=trained_on,
        num_parameters=num_parameters,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dataset", "heard", "ok"),
    [
        ("ravdess", "RAVDESS", False),
        ("ravdess", "Ryerson Audio-Visual Database of Emotional Speech and Song", False),
        ("speech_commands", "Google Speech Commands v2", False),
        ("common_language", "Common Voice 6.1", False),  # drawn from it
        ("voxceleb1", "VoxCeleb", False),
        ("voxceleb1", "VoxCeleb2 dev", None),  # other people, the same site
        ("voxceleb1", "AudioSet", None),
        ("emodb", "LibriSpeech", True),
        ("speech_commands", "speech of 1,000 hours", True),
    ],
)
def test_training_data_are_known_by_their_other_names(
    tmp_path: Path, dataset: str, heard: str, ok: bool | None
) -> None:
    source = find(dataset, roots={dataset: tmp_path})
    (verdict,) = check_trained("mine", card(heard), source)
    assert verdict.ok is ok
    assert heard in verdict.detail


def test_a_card_that_is_silent_is_a_remark_and_a_model_that_learned_nothing_is_fine(tmp_path: Path) -> None:
    source = find("ravdess", roots={"ravdess": tmp_path})
    assert [verdict.ok for verdict in check_trained("mine", card(), source)] == [None]
    assert [verdict.ok for verdict in check_trained("mine", card(num_parameters=0), source)] == [True]


def test_a_table_in_a_folder_of_a_corpus_s_name_counts_as_that_corpus(folder: Path) -> None:
    own = folder / "ravdess"
    own.mkdir()
    (own / "clips.csv").write_text("file,mood\n../0.wav,calm\n../1.wav,cross\n")
    (verdict,) = check_trained("mine", card("RAVDESS"), find(f"csv/{own}/clips.csv/mood", roots={}))
    assert verdict.ok is False
