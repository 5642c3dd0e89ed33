"""EmoDB, IEMOCAP, MELD and MSP-Podcast: names and lists taken apart, published splits, their quirks, broken lists."""

from __future__ import annotations

import importlib
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from noss.datasets import Clip, emodb, iemocap, meld, msp_podcast
from noss.errors import DataError
from noss.pipeline._clips import find, open_tasks
from noss.pipeline._split import folds

CORPORA = [emodb, iemocap, meld, msp_podcast]
TURNS = "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
TABLE = "Labels/labels_consensus.csv"


def name_of(corpus: ModuleType) -> str:
    return corpus.__name__.rpartition(".")[2]


@pytest.fixture
def built(tmp_path: Path) -> Callable[[ModuleType], Path]:
    def build(corpus: ModuleType) -> Path:
        root = tmp_path / name_of(corpus)
        root.mkdir()
        importlib.import_module(f"miniatures.{name_of(corpus)}").build(root)
        return root

    return build


def edit(path: Path, pattern: str, by: str) -> None:
    text, count = re.subn(pattern, by, path.read_bytes().decode(), count=1)
    assert count == 1
    path.write_bytes(text.encode())


def listed(corpus: ModuleType, root: Path) -> dict[str, Clip]:
    return {clip.path.stem: clip for clip in corpus.clips(root)}


@pytest.mark.parametrize("corpus", CORPORA, ids=name_of)
@pytest.mark.parametrize("where", ["empty", "gone"])
def test_a_wrong_root_says_what_is_needed(tmp_path: Path, corpus: ModuleType, where: str) -> None:
    (tmp_path / "empty").mkdir()
    needed = rf"no clip of {name_of(corpus)} in .*: it .*; .*give --root {name_of(corpus)}=DIR|cannot list .*gone"
    with pytest.raises(DataError, match=needed):
        list(corpus.clips(tmp_path / where))


@pytest.mark.parametrize("corpus", [iemocap, meld, msp_podcast], ids=name_of)
def test_lists_without_any_audio_are_an_error(built: Callable[[ModuleType], Path], corpus: ModuleType) -> None:
    root = built(corpus)
    for path in root.rglob("*.wav"):
        path.unlink()
    with pytest.raises(DataError, match=f"no clip of {name_of(corpus)} in"):
        list(corpus.clips(root))


@pytest.mark.parametrize("corpus", [iemocap, meld, msp_podcast], ids=name_of)
def test_a_listed_file_that_is_missing_keeps_its_clip(built: Callable[[ModuleType], Path], corpus: ModuleType) -> None:
    root = built(corpus)
    before = list(corpus.clips(root))
    before[0].path.unlink()
    after = list(corpus.clips(root))
    assert [clip.path.stem for clip in after] == [clip.path.stem for clip in before]


@pytest.mark.parametrize("corpus", CORPORA, ids=name_of)
def test_audio_of_another_suffix_is_found_by_its_stem(built: Callable[[ModuleType], Path], corpus: ModuleType) -> None:
    root = built(corpus)
    for path in list(root.rglob("*.wav")):
        path.rename(path.with_suffix(".flac"))
    clips = [clip for clip in corpus.clips(root) if clip.path.stem != "dia2_utt6"]
    assert {clip.path.suffix for clip in clips} == {".flac"}
    assert all(clip.path.is_file() for clip in clips)


@pytest.mark.parametrize("corpus", [iemocap, meld, msp_podcast], ids=name_of)
def test_the_ends_of_lines_do_not_matter(built: Callable[[ModuleType], Path], corpus: ModuleType) -> None:
    root = built(corpus)
    before = list(corpus.clips(root))
    for path in [*root.rglob("[!.]*.csv"), *root.rglob("[!.]*.txt")]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert list(corpus.clips(root)) == before


@pytest.mark.parametrize("corpus", CORPORA, ids=name_of)
def test_counts_by_label_and_by_split_add_up(corpus: ModuleType) -> None:
    card = corpus.DATASET
    for target, counts in card.num_by_label.items():
        assert set(counts) == set(card.targets[target])
        assert sum(counts.values()) == {"iemocap": 5_531}.get(name_of(corpus), card.num_clips)
    num_outside = {"msp_podcast": 14_815}.get(name_of(corpus), 0)
    assert not card.num_by_split or sum(card.num_by_split.values()) + num_outside == card.num_clips


def test_emodb_names_are_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for name in ("03a01Fa.wav", "16b10Lb.opus.ogg", "readme.wav"):
        (tmp_path / "wav" / name).touch()
    first, second = emodb.clips(tmp_path)
    assert (first.labels, first.speaker, first.fold) == ({"emotion": "happiness"}, "03", 0)
    assert first.sentence == "Der Lappen liegt auf dem Eisschrank."
    assert (second.labels, second.speaker, second.fold) == ({"emotion": "boredom"}, "16", 9)
    assert second.facts == {"gender": "f", "age": "31", "sentence": "b10", "take": "b"}


def test_emodb_lists_its_535_takes_as_they_are_counted(tmp_path: Path) -> None:
    (tmp_path / "wav").mkdir()
    for path in emodb.expected(tmp_path):
        (tmp_path / f"{path}.wav").touch()
    clips = list(emodb.clips(tmp_path))
    assert Counter(clip.labels["emotion"] for clip in clips) == emodb.DATASET.num_by_label["emotion"]
    assert {clip.facts["sentence"] for clip in clips} == set(emodb.SENTENCES)
    assert [clip.fold for clip in clips] == sorted(clip.fold or 0 for clip in clips)


@pytest.mark.parametrize("folder", [".", "wav", "emodb/wav"])
def test_emodb_clips_may_lie_in_the_root_in_wav_or_as_unpacked(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "03a01Fa.wav").touch()
    assert len(list(emodb.clips(tmp_path))) == 1


@pytest.mark.parametrize(("name", "what"), [("04a01Fa", "by speaker 04"), ("03a01Xa", "has the emotion X")])
def test_emodb_refuses_a_speaker_or_an_emotion_it_does_not_declare(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / f"{name}.wav").touch()
    with pytest.raises(DataError, match=f"{what}, .*none of .*: take the file away"):
        list(emodb.clips(tmp_path))


def test_iemocap_speakers_are_told_by_the_utterance_and_not_by_the_markers(built: Callable[[ModuleType], Path]) -> None:
    clips = listed(iemocap, built(iemocap))
    man = clips["Ses01F_impro01_M000"]
    assert (man.speaker, man.session, man.fold, man.facts["gender"]) == ("Ses01M", "Ses01", 0, "m")
    assert man.path.parent.name == "Ses01F_impro01"
    assert clips["Ses05M_script01_1_F000"].speaker == "Ses05F"
    assert clips["Ses05M_script01_1_F000"].facts["kind"] == "scripted"


def test_iemocap_merges_excited_into_happy_and_gives_other_emotions_numbers_only(
    built: Callable[[ModuleType], Path],
) -> None:
    emotions = defaultdict(set)
    for clip in iemocap.clips(built(iemocap)):
        assert set(iemocap.DIMENSIONS) <= set(clip.labels)
        emotions[clip.labels.get("emotion")].add(clip.facts["category"])
    assert emotions["happy"] == {"hap", "exc"}
    assert emotions[None] == {"fru", "sur", "fea", "dis", "oth", "xxx"}


def test_iemocap_numbers_are_valence_then_activation_then_dominance(tmp_path: Path) -> None:
    (tmp_path / TURNS).parent.mkdir(parents=True)
    line = "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 3.5000, 4.5000]"
    (tmp_path / TURNS).write_text(f"% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n{line}\n")
    audio = tmp_path / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    audio.parent.mkdir(parents=True)
    audio.touch()
    (clip,) = iemocap.clips(tmp_path)
    assert clip.labels == {"emotion": "neutral", "valence": 2.5, "arousal": 3.5, "dominance": 4.5}


def test_iemocap_folds_leave_one_session_out(built: Callable[[ModuleType], Path]) -> None:
    (task,) = open_tasks("iemocap/emotion", roots={"iemocap": built(iemocap)})
    protocol = folds(task)
    assert protocol.name == "published folds, speaker-disjoint"
    assert [{task.clips[row].session for row in fold.test_N} for fold in protocol.folds] == [
        {f"Ses0{session}"} for session in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("pattern", "by", "what"),
    [
        (r"\tneu\t", "\tbored\t", "the emotion 'bored' is none of ang, hap"),
        (r", 1\.0000\]", "]", "is no utterance with its emotion and three numbers"),
        (r"Ses01F_impro01_F000", "Ses09F_impro01_F000", "is no utterance with its emotion"),
    ],
)
def test_iemocap_names_the_line_that_makes_no_sense(
    built: Callable[[ModuleType], Path], pattern: str, by: str, what: str
) -> None:
    root = built(iemocap)
    edit(root / TURNS, pattern, by)
    with pytest.raises(DataError, match=rf"Ses01F_impro01\.txt line \d+: .*{re.escape(what)}.*: unpack the file again"):
        list(iemocap.clips(root))


def test_meld_is_scored_on_its_split_with_its_characters_on_both_sides(built: Callable[[ModuleType], Path]) -> None:
    for task in open_tasks("meld", roots={"meld": built(meld)}):
        protocol = folds(task)
        assert (protocol.name, task.speakers) == ("published split, same speakers on both sides", "shared")
        assert {task.clips[row].split for row in protocol.folds[0].test_N} == {"test"}
        assert "Man of test" in {task.clips[row].speaker for row in protocol.folds[0].test_N}


def test_meld_lists_what_its_tables_list(built: Callable[[ModuleType], Path]) -> None:
    clips = list(meld.clips(built(meld)))
    assert Counter(clip.split for clip in clips) == {"train": 21, "dev": 21, "test": 21}
    assert [clip.path.name for clip in clips if not clip.path.is_file()] == ["dia2_utt6.mp4"]
    assert (clips[1].session, clips[1].facts, clips[1].sentence) == ("8x1", {"dialogue": "0"}, 'Well, "yes"!')


def test_meld_folders_may_lie_side_by_side_with_the_lists_in_the_root(built: Callable[[ModuleType], Path]) -> None:
    root = built(meld)
    before = list(meld.clips(root))
    (root / "train/train_sent_emo.csv").rename(root / "train_sent_emo.csv")
    for split, folder in meld.FOLDERS.items():
        (root / split / folder).rename(root / folder)
        (root / split).rmdir()
    after = list(meld.clips(root))
    assert [(c.path.name, c.labels, c.split) for c in after] == [(c.path.name, c.labels, c.split) for c in before]


def test_meld_without_a_list_says_what_to_unpack(built: Callable[[ModuleType], Path]) -> None:
    root = built(meld)
    shutil.rmtree(root / "train")
    with pytest.raises(DataError, match=r"no clip of meld .*it lacks train_sent_emo\.csv; unpack train\.tar\.gz"):
        list(meld.clips(root))


@pytest.mark.parametrize(
    ("pattern", "by", "what"),
    [
        ("disgust", "contempt", "line 3: emotion 'contempt' is none of anger"),
        ("negative", "mixed", "line 2: sentiment 'mixed' is none of negative"),
        (",8,1,", ",8,", "line 3: 10 cells where 11 are needed"),
        ("Speaker", "Who", "line 1: no column Speaker"),
    ],
)
def test_meld_names_the_line_that_makes_no_sense(
    built: Callable[[ModuleType], Path], pattern: str, by: str, what: str
) -> None:
    root = built(meld)
    edit(root / "test_sent_emo.csv", pattern, by)
    with pytest.raises(DataError, match=f"test_sent_emo.csv {what}.*: download"):
        list(meld.clips(root))


def test_msp_podcast_splits_are_train_development_and_test1(built: Callable[[ModuleType], Path]) -> None:
    parts = defaultdict(set)
    for clip in msp_podcast.clips(built(msp_podcast)):
        parts[clip.split].add(clip.facts["part"])
    assert parts == {"train": {"Train"}, "dev": {"Development"}, "test": {"Test1"}, None: {"Test2"}}


def test_msp_podcast_is_scored_on_test1_alone(built: Callable[[ModuleType], Path]) -> None:
    (task,) = open_tasks("msp_podcast/valence", roots={"msp_podcast": built(msp_podcast)})
    protocol = folds(task)
    assert (protocol.name, task.metric, task.classes) == ("published split", "ccc", None)
    assert {task.clips[row].facts["part"] for row in protocol.folds[0].test_N} == {"Test1"}
    assert "20 of 80 clips are in no split: they take no part" in protocol.warnings


def test_msp_podcast_without_agreement_has_numbers_and_no_emotion(built: Callable[[ModuleType], Path]) -> None:
    clips = list(msp_podcast.clips(built(msp_podcast)))
    assert Counter("emotion" in clip.labels for clip in clips) == {True: 64, False: 16}
    assert clips[1].labels == {"arousal": 2.0, "valence": 2.5, "dominance": 2.333333, "emotion": "contempt"}


def test_msp_podcast_unknown_speakers_are_none(built: Callable[[ModuleType], Path]) -> None:
    source = find("msp_podcast", roots={"msp_podcast": built(msp_podcast)})
    assert Counter(clip.speaker is None for clip in source.clips) == {False: 75, True: 5}
    assert {clip.facts.get("gender") for clip in source.clips} == {"f", None}
    assert source.task("arousal").speakers == "unknown"


def test_msp_podcast_tables_of_older_releases_are_read(built: Callable[[ModuleType], Path]) -> None:
    root = built(msp_podcast)
    before = list(msp_podcast.clips(root))
    text = (root / TABLE).read_text().replace("Development", "Validation")
    (root / TABLE).unlink()
    (root / "Labels/labels_concensus.csv").write_text(text)
    after = list(msp_podcast.clips(root))
    assert [(clip.path, clip.split) for clip in after] == [(clip.path, clip.split) for clip in before]


@pytest.mark.parametrize(
    ("pattern", "by", "what"),
    [
        (",A,", ",B,", "EmoClass 'B' is none of A, C"),
        (",Train", ",Holdout", "Split_Set 'Holdout' is none of Train"),
        ("1,1.5,", "1,nan,", r"\('1', 'nan', '1.333333'\) is not three numbers"),
    ],
)
def test_msp_podcast_names_the_line_that_makes_no_sense(
    built: Callable[[ModuleType], Path], pattern: str, by: str, what: str
) -> None:
    root = built(msp_podcast)
    edit(root / TABLE, pattern, by)
    with pytest.raises(DataError, match=rf"labels_consensus\.csv line 2: {what}"):
        list(msp_podcast.clips(root))
