"""The documented usage of each model's own library, a function of one file; those that `embed.py` times come from there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import embed
import numpy as np
import torch

Loop = Callable[[Path], Any]


def loop_byol_s(_: Path) -> Loop:
    """BYOL-S as serab-byols has it: log-mel for the statistics, log-mel again for the net, in no batch.

    Its package is on no index and pins old ones; the net is this project's, layer by layer the same. The spectrogram is
    what torchaudio's MelSpectrogram makes with its defaults.
    """
    import librosa

    from noss.models import byol_s

    net = byol_s.build("").net
    mel = librosa.filters.mel(sr=16_000, n_fft=1024, n_mels=64, fmin=60, fmax=7800, htk=True, norm=None)
    mel_MF, window_W = torch.from_numpy(mel), torch.hann_window(1024)

    def logmel(waveform_1T: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(waveform_1T, 1024, 160, window=window_W, pad_mode="reflect", return_complex=True)
        return (mel_MF @ spectrum.abs().square() + torch.finfo(torch.float32).eps).log()

    def one(path: Path) -> Any:
        waveform_1T = torch.from_numpy(librosa.load(path, sr=16_000)[0])[None]
        first = logmel(waveform_1T)
        mean, deviation = first.mean(), first.std()
        with torch.no_grad():
            logmel_1MS = (logmel(waveform_1T) - mean) / deviation
            frames_1SD, _ = net(logmel_1MS.transpose(1, 2), torch.tensor([logmel_1MS.shape[-1]]))
            return frames_1SD.mean(dim=1) + frames_1SD.amax(dim=1)

    return one


def loop_whisper(folder: Path) -> Loop:
    """Transformers as its documentation has it for an encoder: features of 30 s, encoder, mean over the clip's frames."""
    import librosa
    from transformers import AutoFeatureExtractor, WhisperModel

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    encoder = WhisperModel.from_pretrained(folder).eval().get_encoder()

    def one(path: Path) -> Any:
        waveform_T, rate = librosa.load(path, sr=16_000)
        with torch.no_grad():
            frames_1SD = encoder(**extractor(waveform_T, sampling_rate=rate, return_tensors="pt")).last_hidden_state
        return frames_1SD[:, : -(-len(waveform_T) // 320)].mean(dim=1)

    return one


def loop_opensmile(_: Path) -> Loop:
    """Opensmile as its page has it: one file, one row."""
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    return lambda path: np.asarray(smile.process_file(os.fspath(path)))


LOOPS: dict[str, Callable[[Path], Loop]] = {
    "logmel_stats": embed.loop_logmel_stats,
    "yamnet": embed.loop_yamnet,
    "byol_s": loop_byol_s,
    "wav2vec2": embed.loop_wav2vec2,
    "whisper": loop_whisper,
    "opensmile": loop_opensmile,
}
