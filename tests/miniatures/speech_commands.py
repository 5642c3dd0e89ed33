"""Every word by four people, noise files as long as the real ones, and the test archive with its two folders of its own."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np

from miniatures import sound
from noss.datasets.speech_commands import COMMANDS, NUM_WINDOWS, WORDS

MAIN, TEST = "speech_commands_v0.02", "speech_commands_test_set_v0.02"
SPEAKERS = {"train": ("0a7c2a8d", "f6af2457"), "validation": ("a69b9b3e",), "testing": ("bb05582b",)}


def build(root: Path) -> str:
    main, test = root / MAIN, root / TEST
    for part, speakers in SPEAKERS.items():
        names = [f"{word}/{speaker}_nohash_{take}.wav" for word in WORDS for speaker in speakers for take in (0, 1)]
        sound(main, *names)
        if part != "train":
            (main / f"{part}_list.txt").write_text("".join(f"{name}\n" for name in names))
    (main / "LICENSE").write_text("Creative Commons Attribution 4.0\n")
    (main / "README.md").write_text("# Speech Commands Data Set v0.02\n")
    for seed, (name, num_windows) in enumerate(NUM_WINDOWS.items()):
        _noise(main / "_background_noise_" / f"{name}.wav", num_samples=8_000 * (num_windows + 1) + 1, seed=seed)
    for word in COMMANDS:
        (test / word).mkdir(parents=True)
        shutil.copy(main / word / "bb05582b_nohash_0.wav", test / word)
    (test / "_unknown_").mkdir()
    for word in ("backward", "zero"):
        shutil.copy(main / word / "bb05582b_nohash_1.wav", test / "_unknown_" / f"{word}_bb05582b_nohash_1.wav")
    sound(test, "_silence_/0.wav", "_silence_/1.wav")
    (test / "README.md").write_text("# Speech Commands Data Set Test Files v0.02\n")
    return "speech_commands"


def _noise(path: Path, *, num_samples: int, seed: int) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, num_samples, "NONE", ""))
        file.writeframes(np.random.default_rng(seed).integers(-9_000, 9_000, num_samples, dtype=np.int16).tobytes())
