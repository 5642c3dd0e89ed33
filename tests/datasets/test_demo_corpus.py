"""The demo corpus: the same bytes on every machine, balanced, safe to interrupt."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from noss.datasets import Clip, demo
from noss.datasets._espeak import SAMPLE_RATE, Line, synthesise
from noss.errors import DataError, MissingExtraError

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    list(demo.clips(folder))
    return folder


@pytest.fixture(scope="module")
def clips(root: Path) -> list[Clip]:
    return list(demo.clips(root))


def test_the_corpus_is_as_large_as_declared(clips: list[Clip]) -> None:
    seconds = 0.0
    for clip in clips:
        with wave.open(str(clip.path)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE, 1, 2)
            seconds += file.getnframes() / SAMPLE_RATE
    assert len(clips) == demo.DATASET.num_clips
    assert seconds / 3600 == pytest.approx(demo.DATASET.hours, rel=0.01)


def test_the_corpus_has_the_published_hash(root: Path) -> None:
    files = sorted(root.rglob("*.wav"))
    assert len(files) == 864
    digest = hashlib.sha256()
    for take in demo._takes():
        digest.update(take.file.encode() + (root / take.file).read_bytes())
    assert digest.hexdigest() == demo.DIGEST


@pytest.mark.parametrize("setting", [{"MALLOC_PERTURB_": "165"}, {"LC_ALL": "tr_TR.UTF-8"}, {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F"}])  # fmt: skip
def test_memory_language_and_processor_do_not_change_what_is_spoken(
    setting: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [demo._line(take) for take in demo._takes()[::7]]
    expected = [waveform.tobytes() for waveform in synthesise(lines)]
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert [waveform.tobytes() for waveform in synthesise(lines)] == expected


def test_every_target_is_balanced_and_every_speaker_speaks_everything(clips: list[Clip]) -> None:
    for target, classes in demo.DATASET.targets.items():
        assert classes is not None
        assert Counter(clip.labels[target] for clip in clips) == dict.fromkeys(classes, 864 // len(classes))
    mine = [clip for clip in clips if clip.speaker == "m3"]
    pairs = {(clip.labels["language"], clip.labels["style"]) for clip in mine}
    assert len(mine) == len(pairs) == 36
    assert set(Counter(clip.labels["word"] for clip in mine).values()) == {3}


def test_the_word_does_not_tell_the_language_or_the_style(clips: list[Clip]) -> None:
    assert set(Counter((clip.labels["word"], clip.labels["language"]) for clip in clips).values()) == {12}
    assert len(Counter((clip.labels["word"], clip.labels["style"]) for clip in clips)) == 72


def test_the_split_gives_every_speaker_train_dev_and_test_clips_of_every_language_and_style(clips: list[Clip]) -> None:
    for split, number in (("train", 18), ("dev", 6), ("test", 12)):
        mine = [clip for clip in clips if clip.split == split]
        assert set(Counter(clip.speaker for clip in mine).values()) == {number}
        assert len({(clip.speaker, clip.labels["style"], clip.labels["language"]) for clip in mine}) == 24 * number
        assert {clip.labels["style"] for clip in mine} == set(demo.STYLES)


def test_no_clip_is_silent_or_clipped_flat_and_no_two_are_equal(clips: list[Clip]) -> None:
    seen = set()
    for clip in clips:
        with wave.open(str(clip.path)) as file:
            waveform_T = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        assert np.abs(waveform_T.astype(int)).max() > 500
        assert np.mean(np.abs(waveform_T.astype(int)) >= 32_767) < 0.01
        seen.add(waveform_T.tobytes())
    assert len(seen) == 864


def test_a_corpus_that_is_there_is_not_made_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.wav")}
    monkeypatch.setattr(demo, "synthesise", lambda lines: pytest.fail(f"spoke {len(lines)} lines"))
    assert len(list(demo.clips(root))) == 864
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.wav")} == before


@pytest.mark.parametrize("harm", ["missing", "truncated", "changed"])
def test_a_damaged_corpus_is_made_whole(tmp_path: Path, root: Path, harm: str) -> None:
    subprocess.run(["cp", "-r", f"{root}/.", str(tmp_path)], check=True)
    victim = tmp_path / demo._takes()[5].file
    content = victim.read_bytes()
    if harm == "missing":
        victim.unlink()
    else:
        victim.write_bytes(content[:100] if harm == "truncated" else content[:-2] + b"\0\1")
    assert len(list(demo.clips(tmp_path))) == 864
    assert victim.read_bytes() == content


@pytest.mark.slow
def test_a_killed_process_leaves_a_corpus_that_the_next_one_completes(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from noss.datasets import demo; list(demo.clips(Path({str(tmp_path)!r})))"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not list(tmp_path.rglob("*.wav")):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert len(list(demo.clips(tmp_path))) == 864
    assert demo._digest(tmp_path) == demo.DIGEST


def test_a_machine_that_speaks_otherwise_is_told_and_may_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DIGEST", "f" * 64)
    with pytest.raises(DataError, match=r"speaks otherwise on this machine .* or set NOSS_DEMO_UNCHECKED=1"):
        list(demo.clips(tmp_path))
    assert not list(tmp_path.rglob("*.wav"))
    monkeypatch.setenv("NOSS_DEMO_UNCHECKED", "1")
    assert len(list(demo.clips(tmp_path))) == 864
    assert "are not the published ones" in demo.warnings(tmp_path)[0]


def test_a_root_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot write the demo clips to .*; give --root demo=DIR"):
        list(demo.clips(tmp_path / "file"))


def test_without_the_package_the_error_gives_the_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[synth\]'"):
        list(demo.clips(tmp_path))


def test_an_unknown_voice_is_an_error_in_one_line() -> None:
    line = Line(voice="xx+none", text="radio", rate=160, pitch=50, range=50)
    with pytest.raises(DataError, match=r"eSpeak NG could not speak \(it has no voice xx\+none\)"):
        synthesise([line])


def test_the_default_root_is_below_the_cache_and_changes_with_the_recipe() -> None:
    assert demo.default_root(Path("cache")) == Path("cache") / f"demo-{demo.DIGEST[:8]}"
    assert os.sep not in demo.default_root(Path("cache")).name
