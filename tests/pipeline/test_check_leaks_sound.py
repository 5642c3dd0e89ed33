"""The same sound is found whatever became of it, and two takes of one sentence are not the same sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from made_voice import RATE, voice

from noss.audio.read import read
from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._leaks_fingerprint import NUM_BITS, Fingerprint, audible, probes
from noss.pipeline._leaks_index import IndexWriter, Search
from noss.pipeline._leaks_twins import BYTES, NEAR, SAMPLES, Sound, hear

NUM_SENTENCES, NUM_TAKES = 6, 4

COPIES: dict[str, Callable[[Path, np.ndarray], None]] = {
    "mp3": lambda path, x: soundfile.write(path.with_suffix(".mp3"), x, RATE),
    "mp3-low": lambda path, x: soundfile.write(path.with_suffix(".mp3"), x, RATE, compression_level=0.9),
    "opus": lambda path, x: soundfile.write(path.with_suffix(".ogg"), x, RATE, format="OGG", subtype="OPUS"),
    "mu-law": lambda path, x: soundfile.write(path.with_suffix(".wav"), soxr.resample(x, RATE, 8_000), 8_000, "ULAW"),
    "resampled": lambda path, x: soundfile.write(path.with_suffix(".flac"), soxr.resample(x, RATE, 44_100), 44_100),
    "quiet": lambda path, x: soundfile.write(path.with_suffix(".wav"), 0.1 * x, RATE),
    "cut": lambda path, x: soundfile.write(path.with_suffix(".wav"), x[int(0.17 * len(x)) + 3 : int(0.82 * len(x))], RATE),
    "padded": lambda path, x: soundfile.write(path.with_suffix(".wav"), 0.7 * np.pad(x, (5_000, 9_000)), RATE),
}  # fmt: skip


def sound_of(folder: Path) -> tuple[list[Clip], Sound]:
    clips = [
        Clip(path=path, labels={})
        for path in sorted(folder.iterdir())
        if path.suffix in {".wav", ".flac", ".ogg", ".mp3"}
    ]
    return clips, hear(clips, clip_ids(clips, cache=folder / "cache"))


def names(clips: list[Clip], sound: Sound) -> set[tuple[str, str, str]]:
    return {(clips[pair.first].path.stem, clips[pair.second].path.stem, pair.kind) for pair in sound.twins}


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    for sentence in range(NUM_SENTENCES):
        for take in range(NUM_TAKES):
            soundfile.write(tmp_path / f"a{sentence}{take}.wav", voice(sentence, take=take), RATE)
    return tmp_path


def test_takes_of_one_sentence_are_not_the_same_sound(takes: Path) -> None:
    clips, sound = sound_of(takes)
    assert len(clips) == NUM_SENTENCES * NUM_TAKES
    assert sound.twins == [] and sound.wrong == []


@pytest.mark.parametrize("way", COPIES)
def test_every_copy_is_found_beside_its_original_and_no_other(takes: Path, way: str) -> None:
    for sentence in range(NUM_SENTENCES):
        COPIES[way](takes / f"b{sentence}0", read(takes / f"a{sentence}0.wav")[0])
    assert names(*sound_of(takes)) == {(f"a{s}0", f"b{s}0", NEAR) for s in range(NUM_SENTENCES)}


def test_the_same_samples_are_known_in_another_container_and_between_zeros(tmp_path: Path) -> None:
    wave_T = voice(0)
    soundfile.write(tmp_path / "a.wav", wave_T, RATE, "PCM_16")
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    pcm_T = read(tmp_path / "a.wav")[0]
    soundfile.write(tmp_path / "c.flac", pcm_T, RATE, "PCM_24")
    soundfile.write(tmp_path / "d.wav", np.pad(pcm_T, (400, 70)), RATE, "FLOAT")
    expected = {("a", "b", BYTES), ("a", "c", SAMPLES), ("a", "d", SAMPLES)}
    assert names(*sound_of(tmp_path)) == expected


def test_pieces_of_one_file_that_overlap_are_the_same_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", voice(1, seconds=6.0), RATE)
    spans = [(0.0, 2.0), (0.7, 2.7), (3.0, 5.0)]
    clips = [Clip(path=tmp_path / "long.wav", labels={}, start_s=start, end_s=end) for start, end in spans]
    found = hear(clips, clip_ids(clips, cache=tmp_path)).twins
    assert [(pair.first, pair.second) for pair in found] == [(0, 1)]


def test_silent_and_broken_clips_are_counted_and_not_compared(tmp_path: Path) -> None:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(RATE), RATE)
    (tmp_path / "c.wav").write_bytes(b"RIFFnothing")
    soundfile.write(tmp_path / "d.wav", voice(0, seconds=0.1), RATE)  # shorter than a word of the fingerprint
    _, sound = sound_of(tmp_path)
    assert sound.num_silent == 2 and sound.twins == []
    assert [row for row, _ in sound.wrong] == [2] and sound.facts[2] == {}


def test_a_tone_that_all_clips_share_stays_quick_and_is_no_match(tmp_path: Path) -> None:
    hum_T = 0.01 * np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)
    for sentence in range(8):
        soundfile.write(tmp_path / f"a{sentence}.wav", voice(sentence) + hum_T, RATE)
    assert sound_of(tmp_path)[1].twins == []


def test_words_do_not_depend_on_how_a_clip_is_cut_into_windows() -> None:
    wave_T, whole, pieces = voice(2, seconds=3.0), Fingerprint(RATE), Fingerprint(RATE)
    whole.add(wave_T)
    whole.add(wave_T[:0], last=True)
    for start in range(0, len(wave_T), 7_001):
        pieces.add(wave_T[start : start + 7_001])
    pieces.add(wave_T[:0], last=True)
    assert len(whole.words()) > 300
    assert np.array_equal(whole.words(), pieces.words())


def test_a_word_is_looked_up_as_it_is_and_with_three_of_its_bits_flipped() -> None:
    mark = Fingerprint(RATE)
    mark.add(voice(3))
    words_S = mark.words()
    flipped_SP = probes(words_S) ^ (words_S & np.uint64((1 << NUM_BITS) - 1))[:, None]
    assert np.bitwise_count(flipped_SP).tolist() == [[0, 1, 1, 1]] * len(words_S)
    assert 0 < audible(words_S).sum() <= len(words_S)


def test_the_index_finds_the_same_whatever_the_order_clips_come_in(tmp_path: Path) -> None:
    found = []
    for order in ((0, 1, 2), (2, 0, 1)):
        folder = tmp_path / str(order[0])
        folder.mkdir()
        writer = IndexWriter(folder, 3)
        for row in order:
            mark = Fingerprint(RATE)
            mark.add(voice(0 if row == 2 else row)[1_000 * row :])
            writer.add(row, mark.words())
        search = Search(writer.index())
        found.append([search(row) for row in range(3)])
    assert found[0] == found[1]
    (earlier, offset), *_ = found[0][2]
    assert earlier == 0 and abs(offset - 2_000 / 2 / 64) <= 3  # the cut is 2,000 samples of 16 kHz


@pytest.mark.slow
def test_digits_of_one_voice_are_told_apart_and_their_copies_found(noss_data: Path, tmp_path: Path) -> None:
    for path in sorted((noss_data / "fsdd" / "recordings").glob("[0-4]_george_*.wav")):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copied = [f"{digit}_george_{take}" for digit in range(5) for take in (3, 17)]
    for name in copied:
        wave_T, rate = read(tmp_path / f"{name}.wav")
        soundfile.write(tmp_path / f"x{name}.ogg", soxr.resample(0.5 * wave_T, rate, RATE), RATE, "OPUS", format="OGG")
    assert names(*sound_of(tmp_path)) == {(name, f"x{name}", NEAR) for name in copied}
