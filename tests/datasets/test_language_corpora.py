"""VoxLingua107, FLEURS and CommonLanguage: their own layouts, published splits, list files and wrong roots."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from noss.datasets import Clip, common_language, fleurs, voxlingua107
from noss.datasets._files import stem
from noss.errors import DataError

CORPORA = [common_language, fleurs, voxlingua107]


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def miniature(root: Path, corpus: ModuleType) -> list[Clip]:
    importlib.import_module(f"miniatures.{corpus.__name__.split('.')[-1]}").build(root)
    return list(corpus.clips(root))


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_wrong_root_says_what_is_needed(tmp_path: Path, corpus: ModuleType) -> None:
    touch(tmp_path, "x/y.wav", "et/notes.txt")
    with pytest.raises(
        DataError, match=r"no clip of \w+ in .*: it needs .*; give --root \w+=DIR, the folder that holds"
    ):
        list(corpus.clips(tmp_path))


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_language_and_split_of_a_miniature_is_listed_and_every_file_is_there(
    tmp_path: Path, corpus: ModuleType
) -> None:
    clips = miniature(tmp_path, corpus)
    assert {clip.labels["language"] for clip in clips} == set(corpus.LANGUAGES)
    assert {clip.split for clip in clips} == {"train", "test"} | (
        {"dev"} - ({"dev"} if corpus is voxlingua107 else set())
    )
    assert all(clip.path.is_file() for clip in clips)


@pytest.mark.parametrize(("corpus", "number"), [(common_language, 45), (fleurs, 102), (voxlingua107, 107)])
def test_the_languages_are_as_many_as_published_and_have_codes(corpus: ModuleType, number: int) -> None:
    assert len(set(corpus.LANGUAGES)) == len(corpus.DATASET.language) == number


@pytest.mark.parametrize("corpus", [common_language, fleurs])
def test_the_counts_by_split_are_those_of_the_catalogue(corpus: ModuleType) -> None:
    by_split = corpus.DATASET.num_by_split
    assert sum(by_split.values()) == corpus.DATASET.num_clips
    published = {"train": 271_798, "dev": 34_452, "test": 77_810}
    assert corpus is common_language or by_split == published


def test_voxlinguas_dev_is_test_and_all_else_is_train(tmp_path: Path) -> None:
    touch(tmp_path, "et/a_-b__U__S10---0361.400-0367.480.wav", "dev/et/c-1__U__S3---0010.000-0013.000.flac")
    train, test = voxlingua107.clips(tmp_path)
    assert (train.split, train.session, train.labels) == ("train", "a_-b", {"language": "et"})
    assert (test.split, test.session, test.speaker) == ("test", "c-1", None)


def test_voxlinguas_languages_may_lie_in_train_and_dev_once_more_in_dev(tmp_path: Path) -> None:
    touch(tmp_path, "train/zh/a---0001.000-0002.000.wav", "dev/dev/zh/b---0001.000-0002.000.wav", "musan/speech/x.wav")
    assert [(clip.split, clip.session) for clip in voxlingua107.clips(tmp_path)] == [("train", "a"), ("test", "b")]


def test_a_piece_of_voxlingua_that_is_in_dev_too_is_not_trained_on(tmp_path: Path) -> None:
    name = "v__U__S1---0001.000-0002.000"
    touch(tmp_path, f"et/{name}.flac", "et/w__U__S1---0001.000-0002.000.wav", f"dev/et/{name}.wav")
    assert [(clip.split, clip.session) for clip in voxlingua107.clips(tmp_path)] == [("train", "w"), ("test", "v")]


def test_an_unknown_language_in_voxlinguas_dev_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dev/xx is none of the 107 languages: move it out of dev"):
        list(voxlingua107.clips(touch(tmp_path, "dev/xx/a.wav", "et/b.wav")))


def fleurs_list(root: Path, text: str, *, split: str = "train") -> Path:
    for name in ("train", "dev", "test"):
        touch(root, f"de_de/{name}.tsv")
    touch(root, f"de_de/audio/{split}/1.wav", f"de_de/audio/{split}/2.flac")
    (root / f"de_de/{split}.tsv").write_bytes(text.encode())
    return root


def row(file: str, gender: str = "MALE", sentence: int = 7) -> str:
    return f'{sentence}\t{file}\tEr sagt "ja".\ter sagt ja\te r |\t32000\t{gender}\n'


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_fleurs_lists_have_no_header_and_any_line_ends(tmp_path: Path, ends: str) -> None:
    text = (row("1.wav", "FEMALE") + row("2.wav", "OTHER", 8)).replace("\n", ends)
    first, second = fleurs.clips(fleurs_list(tmp_path, text, split="dev"))
    assert (first.labels, first.split, first.sentence) == ({"language": "de_de", "gender": "f"}, "dev", "7")
    assert (second.labels, second.path.name, second.facts) == ({"language": "de_de"}, "2.flac", {})


def test_a_file_that_fleurs_lists_twice_is_one_clip(tmp_path: Path) -> None:
    assert len(list(fleurs.clips(fleurs_list(tmp_path, row("1.wav") * 2)))) == 1


def test_a_file_that_fleurs_lists_and_is_gone_keeps_its_clip_and_is_expected(tmp_path: Path) -> None:
    root = fleurs_list(tmp_path, row("1.wav") + row("9.wav"))
    assert [clip.path.exists() for clip in fleurs.clips(root)] == [True, False]
    assert list(fleurs.expected(root)) == ["de_de/audio/train/1", "de_de/audio/train/9"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            row("1.wav") + "2\t2.wav\tcut short\n",
            r"train\.tsv line 2: 3 cells, the last 'cut short'; 7 cells are needed",
        ),
        (row("1.wav", "ROBOT"), r"train\.tsv line 1: 7 cells, the last 'ROBOT'"),
        (row("8.wav"), r"no clip of fleurs in"),
    ],
)
def test_a_line_of_fleurs_that_makes_no_sense_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(fleurs.clips(fleurs_list(tmp_path, text)))


def test_a_language_of_fleurs_without_its_lists_is_an_error(tmp_path: Path) -> None:
    root = fleurs_list(tmp_path, row("1.wav"))
    (root / "de_de/test.tsv").unlink()
    with pytest.raises(DataError, match=r"cannot read .*test\.tsv: .*; unpack the archive of its language again"):
        list(fleurs.clips(root))


def test_fleurs_archives_have_a_checksum_each_and_are_231_gibibytes() -> None:
    downloads = fleurs.DATASET.downloads
    assert len({download.checksum for download in downloads}) == len(downloads) == 102
    assert round(sum(download.size or 0 for download in downloads) / 2**30, 2) == 231.36


def test_fleurs_folders_become_language_tags() -> None:
    codes = dict(zip(fleurs.LANGUAGES, fleurs.DATASET.language, strict=True))
    assert (codes["cmn_hans_cn"], codes["es_419"], codes["af_za"]) == ("cmn-Hans-CN", "es-419", "af-ZA")


def common(root: Path, text: str, *, encoding: str = "utf-16") -> Path:
    for split in ("train", "dev", "test"):
        (root / "Welsh").mkdir(exist_ok=True)
        (root / f"Welsh/{split}.csv").write_bytes("\tclient_id\tpath\tsentence\tage\tgender\n".encode("utf-16"))
    touch(root, "Welsh/train/wls_trn_sp_1/c_1.wav")
    (root / "Welsh/train.csv").write_bytes(("\tclient_id\tpath\tsentence\tage\tgender\n" + text).encode(encoding))
    return root


LINE = '0\twls_trn_sp_1\tc_1.wav\t"Bore da", meddai\u2028hi.\ttwenties\tnot_defined\n'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_common_language_lists_are_utf_16_with_tabs(tmp_path: Path, encoding: str, ends: str) -> None:
    (clip,) = common_language.clips(common(tmp_path, LINE.replace("\n", ends), encoding=encoding))
    assert clip.path == tmp_path / "Welsh/train/wls_trn_sp_1/c_1.wav"
    assert (clip.speaker, clip.split, clip.facts) == ("Welsh/wls_trn_sp_1", "train", {"age": "twenties"})
    assert clip.sentence == '"Bore da", meddai\u2028hi.'


def test_the_root_of_common_language_may_be_the_folder_in_its_archive(tmp_path: Path) -> None:
    clips = miniature(tmp_path, common_language)
    inner = list(common_language.clips(tmp_path / "common_voice_kpd"))
    assert inner == clips
    assert Counter(clip.split for clip in clips) == {"train": 90, "dev": 90, "test": 90}
    assert set(common_language.expected(tmp_path)) == {
        stem(clip.path.relative_to(tmp_path).as_posix()) for clip in clips
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\twls_trn_sp_1\tc_1.wav\n", r"train\.csv line 2: 3 cells, 6 are needed"),
        (LINE.replace("c_1", "c_2"), r"no clip of common_language in"),
    ],
)
def test_a_line_of_common_language_that_makes_no_sense_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(common_language.clips(common(tmp_path, text)))


def test_common_language_refuses_a_language_it_does_not_declare_and_a_missing_list(tmp_path: Path) -> None:
    root = common(tmp_path, LINE)
    (root / "Welsh/dev.csv").unlink()
    with pytest.raises(DataError, match=r"cannot read .*dev\.csv"):
        list(common_language.clips(root))
    (root / "Welsh").rename(root / "Klingon")
    with pytest.raises(DataError, match=r"Klingon is none of the 45 languages"):
        list(common_language.clips(root))


@pytest.mark.long
def test_150_000_clips_of_fleurs_take_less_than_half_a_gigabyte(tmp_path: Path) -> None:
    import tracemalloc

    for split, number in (("train", 150_000), ("dev", 0), ("test", 0)):
        (tmp_path / f"de_de/audio/{split}").mkdir(parents=True)
        for file in range(number):
            (tmp_path / f"de_de/audio/{split}/{file}.wav").touch()
        (tmp_path / f"de_de/{split}.tsv").write_text("".join(row(f"{file}.wav") for file in range(number)))
    tracemalloc.start()
    clips = list(fleurs.clips(tmp_path))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(clips) == 150_000
    assert most < 500e6
