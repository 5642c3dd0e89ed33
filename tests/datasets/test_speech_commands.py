"""Speech Commands: the owner's lists, silence cut from noise, two targets with two test sets, the catalogue's counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from miniatures import speech_commands as miniature
from noss.datasets import Clip, speech_commands
from noss.datasets.speech_commands import COMMANDS, DATASET, NUM_BY_WORD, NUM_WINDOWS, WORDS
from noss.errors import DataError
from noss.pipeline._clips import open_tasks
from noss.pipeline._split import folds

MAIN, TEST = miniature.MAIN, miniature.TEST


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("speech_commands")
    miniature.build(root)
    return root


@pytest.fixture(scope="module")
def clips(root: Path) -> list[Clip]:
    return list(speech_commands.clips(root))


def bare(root: Path, *names: str, validation: str = "", testing: str = "") -> Path:
    """A main archive of empty files; no audio is opened where clips are listed."""
    for name in names:
        (root / MAIN / name).parent.mkdir(parents=True, exist_ok=True)
        (root / MAIN / name).touch()
    (root / MAIN).mkdir(exist_ok=True)
    (root / MAIN / "validation_list.txt").write_bytes(validation.encode())
    (root / MAIN / "testing_list.txt").write_bytes(testing.encode())
    return root


def test_words_are_split_by_the_owners_lists(clips: list[Clip]) -> None:
    by_speaker = {(clip.speaker, clip.split) for clip in clips if "word35" in clip.labels}
    assert by_speaker == {("0a7c2a8d", "train"), ("f6af2457", "train"), ("a69b9b3e", "dev"), ("bb05582b", "test")}


def test_a_word_of_train_or_dev_is_one_clip_with_both_targets(clips: list[Clip]) -> None:
    labels = [dict(clip.labels) for clip in clips if clip.path.match("*/zero/a69b9b3e_nohash_0.wav")]
    assert labels == [{"word35": "zero", "word12": "_unknown_"}]
    labels = [dict(clip.labels) for clip in clips if clip.path.match("*/yes/a69b9b3e_nohash_0.wav")]
    assert labels == [{"word35": "yes", "word12": "yes"}]


def test_each_target_is_tested_on_its_own_archive(root: Path) -> None:
    for task, archive in zip(open_tasks("speech_commands", roots={"speech_commands": root}), (TEST, MAIN), strict=True):
        (fold,) = folds(task).folds
        assert {task.clips[row].path.relative_to(root).parts[0] for row in fold.test_N} == {archive}
        assert {task.clips[row].path.relative_to(root).parts[0] for row in fold.train_N} == {MAIN}


def test_both_targets_keep_voices_apart_and_settings_are_chosen_on_dev(root: Path) -> None:
    for task in open_tasks("speech_commands", roots={"speech_commands": root}):
        protocol = folds(task)
        assert (protocol.name, protocol.selection, protocol.speakers) == (
            "published split",
            "published dev split",
            "disjoint",
        )
        assert all("not those of the complete corpus" in line for line in task.warnings)


def test_silence_is_a_second_of_noise_every_half_second_and_running_tap_is_dev(clips: list[Clip]) -> None:
    windows = [clip for clip in clips if clip.path.parent.name == "_background_noise_"]
    assert Counter(clip.path.stem for clip in windows) == NUM_WINDOWS
    assert {(clip.path.stem == "running_tap", clip.split) for clip in windows} == {(True, "dev"), (False, "train")}
    first = [(clip.start_s, clip.end_s) for clip in windows if clip.path.stem == "pink_noise"]
    assert (first[:2], first[-1]) == ([(0.0, 1.0), (0.5, 1.5)], (58.5, 59.5))
    assert {clip.labels["word12"] for clip in windows} == {"_silence_"}


def test_a_noise_of_sixty_seconds_has_118_windows_as_the_last_full_one_is_left_out() -> None:
    assert len(range(0, 60 * 16_000 - 16_000, 8_000)) == NUM_WINDOWS["pink_noise"] == NUM_WINDOWS["white_noise"]


def test_the_counts_of_twelve_classes_are_those_of_the_catalogue() -> None:
    noise = sum(NUM_WINDOWS.values()) - NUM_WINDOWS["running_tap"]
    num_words, num_dev, num_test = sum(NUM_BY_WORD.values()), 9_981, 11_005
    assert num_words == 105_829
    assert num_words - num_dev - num_test + noise == DATASET.num_by_split["train"] == 85_511
    assert num_dev + NUM_WINDOWS["running_tap"] == DATASET.num_by_split["dev"] == 10_102
    assert DATASET.num_by_split["test"] == num_test + 4_890
    assert sum(DATASET.num_by_split.values()) == DATASET.num_clips
    assert sum(DATASET.num_by_label["word12"].values()) == 85_511 + 10_102 + 4_890
    assert (len(COMMANDS), len(WORDS)) == (10, 35)


def test_a_corpus_of_the_real_size_is_split_as_the_catalogue_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {word: [f"{take:08x}_nohash_0" for take in range(count)] for word, count in NUM_BY_WORD.items()}
    names = [f"{word}/{name}.wav\n" for word in WORDS for name in words[word]]
    bare(tmp_path, validation="".join(names[:9_981]), testing="".join(names[-11_005:]))
    (tmp_path / TEST).mkdir()
    test = {"_silence_": 408, "_unknown_": 408, "down": 4_890 - 2 * 408}
    tested = {label: {f"{take:08x}_nohash_0": Path(label) for take in range(count)} for label, count in test.items()}
    main = {word: dict.fromkeys(words[word], Path(word)) for word in WORDS}
    monkeypatch.setattr(speech_commands, "_files", lambda archive, **_: tested if archive.name == TEST else main)
    found = Counter((target, clip.split) for clip in speech_commands.clips(tmp_path) for target in clip.labels)
    assert [found["word12", split] for split in ("train", "dev", "test")] == [85_511, 10_102, 4_890]
    assert [found["word35", split] for split in ("train", "dev", "test")] == [84_843, 9_981, 11_005]


def test_words_in_unknown_tell_their_speaker_and_silence_stands_for_itself(clips: list[Clip]) -> None:
    speakers = {clip.labels["word12"]: clip.speaker for clip in clips if TEST in clip.path.parts}
    assert (speakers["_unknown_"], speakers["_silence_"], speakers["go"]) == ("bb05582b", "1", "bb05582b")


def test_lists_with_windows_line_ends_are_read_and_a_missing_file_keeps_its_clip(tmp_path: Path) -> None:
    bare(tmp_path, "go/a_nohash_0.wav", "go/b_nohash_0.flac", validation="go/b_nohash_0.wav\r\ngo/c_nohash_0.wav\r\n")
    words = [clip for clip in speech_commands.clips(tmp_path) if "word35" in clip.labels]
    found = [(clip.path.name, clip.split) for clip in words]
    assert found == [("a_nohash_0.wav", "train"), ("b_nohash_0.flac", "dev"), ("c_nohash_0.wav", "dev")]


def test_without_the_test_archive_a_loud_line_says_so(tmp_path: Path, root: Path) -> None:
    (line,) = speech_commands.warnings(bare(tmp_path, "go/a_nohash_0.wav"))
    assert "word12 has no test clips" in line
    assert speech_commands.warnings(root) == []


@pytest.mark.parametrize(
    ("names", "validation", "testing", "message"),
    [
        ((), "", "", r"no clip of speech_commands in .*: it needs .*; give --root speech_commands=DIR"),
        (("went/a_nohash_0.wav",), "", "", "went is no folder of Speech Commands v0.02"),
        (("go/hello.wav",), "", "", "hello.wav tells no speaker: its name needs to be as"),
        (("go/a_nohash_0.wav",), "go/a_nohash_0.wav\n\nnonsense\n", "", "validation_list.txt line 3: 'nonsense'"),
        (("go/a_nohash_0.wav",), "", "went/a_nohash_0.wav\n", "testing_list.txt line 1: 'went/a_nohash_0.wav'"),
        (("go/a_nohash_0.wav",), "go/a_nohash_0.wav\n", "go/a_nohash_0.wav\n", "go/a_nohash_0.wav is in both lists"),
        (("go/a_nohash_0.wav", "_background_noise_/rain.wav"), "", "", "rain.wav is none of the noise files"),
    ],
)
def test_what_is_none_of_the_corpus_is_named(
    tmp_path: Path, names: tuple[str, ...], validation: str, testing: str, message: str
) -> None:
    bare(tmp_path, *names, validation=validation, testing=testing)
    with pytest.raises(DataError, match=message):
        list(speech_commands.clips(tmp_path))
