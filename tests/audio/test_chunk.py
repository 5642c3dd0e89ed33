import numpy as np
import pytest

from noss.audio.chunk import Policy, average, cut, describe, pad, say

RATE = 100


def ramp(num_samples: int) -> np.ndarray:
    return np.arange(num_samples, dtype=np.float32)


@pytest.mark.parametrize("num_samples", [1, 99, 300, 301, 600, 601, 12_345])
def test_pieces_are_the_waveform_without_overlap_or_gap(num_samples: int) -> None:
    pieces, _ = cut(ramp(num_samples), sample_rate=RATE, policy=Policy(window_s=3.0))
    np.testing.assert_array_equal(np.concatenate(pieces), ramp(num_samples))
    assert all(len(piece) == 300 for piece in pieces[:-1])


def test_weights_are_shares_of_the_length_before_padding() -> None:
    pieces, weights_P = cut(ramp(700), sample_rate=RATE, policy=Policy(window_s=3.0, min_s=2.0))
    np.testing.assert_allclose(weights_P, [3 / 7, 3 / 7, 1 / 7])
    assert [len(piece) for piece in pieces] == [300, 300, 200]


def test_no_window_takes_any_length_whole() -> None:
    pieces, weights_P = cut(ramp(100_000), sample_rate=RATE, policy=Policy(window_s=None))
    assert len(pieces) == 1
    assert weights_P.tolist() == [1.0]


def test_audio_of_exactly_one_window_is_one_piece() -> None:
    pieces, _ = cut(ramp(300), sample_rate=RATE, policy=Policy(window_s=3.0))
    assert len(pieces) == 1


def test_long_enough_audio_is_not_copied_by_padding() -> None:
    waveform_T = ramp(10)
    assert pad(waveform_T, 10, padding="symmetric") is waveform_T


@pytest.mark.parametrize(
    ("missing", "expected"),
    [(4, [0, 1, 2, 2, 1, 0, 0]), (8, [0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1])],
    ids=["longer than the signal", "more than twice the signal"],
)
def test_symmetric_padding_mirrors_as_often_as_needed(missing: int, expected: list[int]) -> None:
    """Values: the padding tests of google-research/non_semantic_speech_benchmark, export_model/tf_pad_test.py."""
    assert pad(ramp(3), 3 + missing, padding="symmetric").tolist() == expected


def test_zero_padding_appends_zeros() -> None:
    padded_T = pad(ramp(3), 6, padding="zeros")
    assert padded_T.tolist() == [0, 1, 2, 0, 0, 0]
    assert padded_T.dtype == np.float32


def test_one_sample_can_be_padded_to_a_second() -> None:
    assert pad(np.ones(1, np.float32), 100, padding="symmetric").tolist() == [1.0] * 100


def test_average_of_pieces_equals_the_mean_over_all_samples() -> None:
    waveform_T = np.random.default_rng(0).standard_normal(1_234).astype(np.float32)
    pieces, weights_P = cut(waveform_T, sample_rate=RATE, policy=Policy(window_s=3.0))
    means_PD = np.array([[piece.mean()] for piece in pieces], np.float32)
    assert average(means_PD, weights_P)[0] == pytest.approx(waveform_T.mean(), abs=1e-6)


def test_average_keeps_layers() -> None:
    assert average(np.ones((3, 2, 5), np.float32), np.full(3, 1 / 3)).shape == (2, 5)


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0.4, "0.4 s: whole, padded with its own mirror image to 2 s"),
        (12.0, "12 s: whole"),
        (60.0, "60 s: 2 pieces of 30 s"),
        (71.0, "71 s: 3 pieces, 2 of 30 s and one of 11 s"),
        (31.0, "31 s: 2 pieces, 1 of 30 s and one of 1 s, padded with its own mirror image to 2 s"),
    ],
)
def test_say_tells_what_happens_to_a_duration(duration_s: float, expected: str) -> None:
    assert say(duration_s, Policy(window_s=30.0, min_s=2.0, padding="symmetric")) == expected


def test_describe_states_the_whole_policy() -> None:
    text = describe(Policy(window_s=30.0, min_s=1.0))
    assert text == (
        "longer audio is cut into windows of 30 s without overlap, last piece included; embeddings are averaged, "
        "weighted by length; shorter audio is padded with zeros to 1 s"
    )
    assert describe(Policy(window_s=None)) == "audio of any length is taken whole"
