from pathlib import Path

import kaldi_native_fbank as knf
import librosa
import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from noss.audio.logmel import LogMel, Patches, mel_filters

RATE = 16_000
Samples = NDArray[np.float32]
FRONT_ENDS = {"trill": (LogMel.trill, Patches.trill), "trillsson": (LogMel.trillsson, Patches.trillsson)}


def noise(num_samples: int, *, seed: int = 0) -> Samples:
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def vowel(num_samples: int) -> Samples:
    """Forty decaying harmonics of a falling pitch in a little noise: the dynamic range of speech."""
    time_T = np.arange(num_samples) / RATE
    phase_T = 2 * np.pi * np.cumsum(140.0 - 20.0 * time_T) / RATE
    harmonics = sum(np.sin(order * phase_T) / order for order in range(1, 41))
    return (0.2 * harmonics + 1e-3 * np.random.default_rng(1).standard_normal(num_samples)).astype(np.float32)


SOUNDS = {"noise": noise(48_000), "vowel": vowel(48_000), "silence": np.zeros(48_000, np.float32)}


def logmel(front_end: LogMel, waveform_T: Samples) -> Samples:
    frames_BSM, num_frames_B = front_end(torch.from_numpy(waveform_T)[None], torch.tensor([len(waveform_T)]))
    assert frames_BSM.shape[1] == num_frames_B[0]
    result: Samples = frames_BSM[0].numpy()
    return result


def reference(waveform_T: Samples, *, n_mels: int) -> NDArray[np.float64]:
    """The definition in float64, written as loops from the description in tf_frontend.py and not from our module."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    starts = range(0, len(waveform_T) - 399, 160)
    frames_SW = np.stack([waveform_T[start : start + 400].astype(np.float64) * window for start in starts])
    magnitude_SF = np.abs(np.fft.rfft(frames_SW, 512))
    mel_F = 1127 * np.log(1 + np.arange(257) * 31.25 / 700)
    low, high = 1127 * np.log(1 + np.array([125.0, 7500.0]) / 700)
    edges = np.linspace(low, high, n_mels + 2)
    filters_FM = np.zeros((257, n_mels))
    for band in range(n_mels):
        for bin_ in range(1, 257):
            up = (mel_F[bin_] - edges[band]) / (edges[band + 1] - edges[band])
            down = (edges[band + 2] - mel_F[bin_]) / (edges[band + 2] - edges[band + 1])
            filters_FM[bin_, band] = max(0.0, min(up, down))
    return np.log(np.maximum(magnitude_SF @ filters_FM, 1e-12) + 0.001)


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize(("make", "n_mels"), [(LogMel.trill, 64), (LogMel.trillsson, 80)], ids=["trill", "trillsson"])
def test_frames_equal_a_float64_reference(sound: str, make: type[LogMel], n_mels: int) -> None:
    np.testing.assert_allclose(
        logmel(make(), SOUNDS[sound]), reference(SOUNDS[sound], n_mels=n_mels), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("sound", SOUNDS)
def test_frames_equal_kaldi_native_fbank(sound: str) -> None:
    options = knf.FbankOptions()
    frame = options.frame_opts
    frame.dither, frame.preemph_coeff, frame.remove_dc_offset, frame.window_type = 0.0, 0.0, False, "hann"
    options.mel_opts.num_bins, options.mel_opts.low_freq, options.mel_opts.high_freq = 64, 125.0, 7500.0
    options.use_log_fbank, options.use_power, options.use_energy = False, False, False
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(RATE, SOUNDS[sound].tolist())
    fbank.input_finished()
    mel_SM = np.stack([fbank.get_frame(index) for index in range(fbank.num_frames_ready)])
    expected = np.log(np.maximum(mel_SM, 1e-12) + 0.001)
    np.testing.assert_allclose(logmel(LogMel.trill(), SOUNDS[sound]), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("power", [1, 2])
def test_a_slaney_front_end_equals_librosa(sound: str, power: int) -> None:
    front_end = LogMel(
        n_fft=1024,
        win_length=1024,
        n_mels=64,
        f_min=60.0,
        f_max=7800.0,
        mel_scale="slaney",
        power=power,
        log_offset=0.1,
    )
    mel_MS = librosa.feature.melspectrogram(
        y=SOUNDS[sound],
        sr=RATE,
        n_fft=1024,
        hop_length=160,
        center=False,
        power=power,
        n_mels=64,
        fmin=60.0,
        fmax=7800.0,
    )
    np.testing.assert_allclose(logmel(front_end, SOUNDS[sound]), np.log(mel_MS.T + 0.1), atol=1e-4, rtol=0)


def test_htk_filters_lie_on_librosas_mel_scale() -> None:
    filters_FM = mel_filters(sample_rate=RATE, n_fft=16_384, n_mels=64, f_min=125.0, f_max=7500.0, mel_scale="htk")
    centres = librosa.mel_frequencies(n_mels=66, fmin=125.0, fmax=7500.0, htk=True)[1:-1]
    np.testing.assert_allclose(filters_FM.argmax(axis=0) * RATE / 16_384, centres, atol=0.5)


def test_a_full_scale_tone_is_off_only_where_float32_ends() -> None:
    tone_T = np.sin(2 * np.pi * 1000 * np.arange(48_000) / RATE).astype(np.float32)
    found, expected = np.exp(logmel(LogMel.trill(), tone_T)), np.exp(reference(tone_T, n_mels=64))
    np.testing.assert_allclose(found, expected, atol=1e-7 * expected.max(), rtol=1e-5)


def test_silence_is_the_logarithm_of_the_offset() -> None:
    """Value: non_semantic_speech_benchmark gives -6.9078 for silence."""
    np.testing.assert_allclose(logmel(LogMel.trill(), SOUNDS["silence"]), -6.9078, atol=1e-4)


@pytest.mark.parametrize("n_mels", [64, 80])
def test_no_filter_is_empty_and_0_hz_weighs_nothing(n_mels: int) -> None:
    filters_FM = mel_filters(sample_rate=RATE, n_fft=512, n_mels=n_mels, f_min=125.0, f_max=7500.0, mel_scale="htk")
    assert (filters_FM.max(axis=0) > 0).all()
    assert (filters_FM[0] == 0).all()


@pytest.mark.parametrize(
    ("name", "num_samples", "num_frames", "num_patches"),
    [
        ("trill", 100, 98, 1),
        ("trill", 16_000, 98, 1),
        ("trill", 32_000, 198, 7),
        ("trill", 64_000, 398, 18),
        ("trill", 160_000, 998, 54),
        ("trillsson", 100, 198, 1),
        ("trillsson", 32_000, 198, 1),
        ("trillsson", 63_000, 392, 2),
        ("trillsson", 64_000, 398, 2),
        ("trillsson", 160_000, 998, 5),
    ],
)
def test_frame_and_patch_counts_are_those_of_the_papers(
    name: str, num_samples: int, num_frames: int, num_patches: int
) -> None:
    """Counts: arithmetic on tf_frontend.py and trillsson/frontend_lib.py."""
    front_end, patches = (make() for make in FRONT_ENDS[name])
    frames_BSM, num_frames_B = front_end(torch.zeros(1, num_samples), torch.tensor([num_samples]))
    patches_BPWM, num_patches_B = patches(frames_BSM, num_frames_B)
    assert (frames_BSM.shape[1], num_frames_B.item()) == (num_frames, num_frames)
    assert (patches_BPWM.shape[1], num_patches_B.item()) == (num_patches, num_patches)


def test_patches_are_slices_of_the_frames() -> None:
    frames_BSM = torch.randn(2, 200, 64)
    patches_BPWM, num_patches_B = Patches.trill()(frames_BSM, torch.tensor([200, 95]))
    torch.testing.assert_close(patches_BPWM[1, 3], frames_BSM[1, 51:147])
    assert num_patches_B.tolist() == [7, 0]


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_clip_has_the_same_frames_alone_and_in_a_batch(name: str) -> None:
    front_end = FRONT_ENDS[name][0]()
    lengths = [1, 399, 15_999, 31_999, 32_000, 50_001]
    batch_BT = torch.zeros(len(lengths), max(lengths))
    for row, length in enumerate(lengths):
        batch_BT[row, :length] = torch.from_numpy(noise(length, seed=row))
    frames_BSM, num_frames_B = front_end(batch_BT, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        alone_BSM, count_B = front_end(batch_BT[row : row + 1, :length], torch.tensor([length]))
        assert num_frames_B[row] == count_B[0] == alone_BSM.shape[1]
        torch.testing.assert_close(frames_BSM[row, : count_B[0]], alone_BSM[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "mode"), [("trill", "constant"), ("trillsson", "symmetric")])
@pytest.mark.parametrize("num_samples", [3, 5_000, 20_000])
def test_short_clips_are_padded_as_by_numpy(name: str, mode: str, num_samples: int) -> None:
    front_end, waveform_T = FRONT_ENDS[name][0](), noise(num_samples)
    missing = max(0, front_end.min_samples - num_samples)
    padded_T = np.pad(waveform_T, (0, missing), mode=mode)  # type: ignore[call-overload]
    np.testing.assert_allclose(logmel(front_end, waveform_T), logmel(front_end, padded_T), atol=1e-6)


def test_the_waveform_gets_a_gradient() -> None:
    waveform_BT = torch.from_numpy(noise(16_000))[None].double().requires_grad_()
    front_end, lengths_B = LogMel.trill().double(), torch.tensor([16_000])
    front_end(waveform_BT, lengths_B)[0].sum().backward()
    step_BT = 1e-6 * torch.from_numpy(noise(16_000, seed=1))[None].double()
    with torch.no_grad():
        ahead, behind = (front_end(waveform_BT + sign * step_BT, lengths_B)[0].sum() for sign in (1, -1))
        assert waveform_BT.grad is not None
        assert (waveform_BT.grad * step_BT).sum().item() == pytest.approx((ahead - behind).item() / 2, rel=1e-4)


class _Network(torch.nn.Module):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.front_end, self.patches = (make() for make in FRONT_ENDS[name])

    def forward(self, waveform_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, ...]:
        frames_BSM, num_frames_B = self.front_end(waveform_BT, lengths_B)
        return frames_BSM, num_frames_B, *self.patches(frames_BSM, num_frames_B)


@pytest.mark.slow
@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.filterwarnings("ignore")
def test_onnx_runtime_gives_the_same_at_any_batch_and_length(name: str, tmp_path: Path) -> None:
    network, dynamic = _Network(name).eval(), torch.export.Dim.DYNAMIC
    example = (torch.zeros(2, 40_000), torch.tensor([40_000, 35_000]))
    shapes = ({0: dynamic, 1: dynamic}, {0: dynamic})
    torch.onnx.export(network, example, tmp_path / "net.onnx", dynamo=True, dynamic_shapes=shapes, verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_inputs()]
    for lengths in ([100], [500, 16_000, 7], [100_003], [64_000, 32_000, 63_000, 1]):
        waveform_BT = np.zeros((len(lengths), max(lengths)), np.float32)
        for row, length in enumerate(lengths):
            waveform_BT[row, :length] = noise(length, seed=row)
        inputs = (waveform_BT, np.array(lengths))
        found = session.run(None, dict(zip(names, inputs, strict=True)))
        for ours, theirs in zip(network(*map(torch.from_numpy, inputs)), found, strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-4, rtol=0)
