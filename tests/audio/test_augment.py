"""Alterations against numbers that can be checked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from noss.audio import augment
from noss.errors import AudioError

RATE = 16_000


def tone(frequency_hz: float, *, seconds: float = 1.0, rate: int = RATE, level: float = 0.5) -> NDArray[np.float32]:
    time_T = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * frequency_hz * time_T)).astype(np.float32)


def speechlike(seconds: float = 2.0, rate: int = RATE) -> NDArray[np.float32]:
    """A harmonic sound whose level rises and falls, with a pause."""
    time_T = np.arange(round(seconds * rate)) / rate
    voice_T = sum(np.sin(2 * np.pi * 120 * number * time_T) / number for number in range(1, 25))
    return np.asarray(0.1 * voice_T * np.clip(np.sin(2 * np.pi * 1.5 * time_T), 0, 1), dtype=np.float32)


def power_db(waveform_T: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.mean(waveform_T.astype(np.float64) ** 2) + 1e-20))


def middle(waveform_T: NDArray[np.float32]) -> NDArray[np.float32]:
    return waveform_T[len(waveform_T) // 4 : -len(waveform_T) // 4]


KEEPING = {
    "gain": lambda x: augment.change_gain(x, gain_db=-20),
    "noise": lambda x: augment.add_noise(x, augment.made_noise("pink", len(x), sample_rate=RATE, seed=1), snr_db=10),
    "band": lambda x: augment.limit_band(x, sample_rate=RATE),
    "clipping": lambda x: augment.clip_peaks(x, share=0.1),
    "packets": lambda x: augment.lose_packets(x, sample_rate=RATE, rate=0.2, seed=1),
    "mu-law": lambda x: augment.mu_law(x, sample_rate=RATE),
    "opus": lambda x: augment.through_opus(x, sample_rate=RATE, kbits=8),
    "mp3": lambda x: augment.through_mp3(x, sample_rate=RATE, kbits=16),
    "room": lambda x: augment.reverberate(x, augment.room_impulse(0.4, sample_rate=RATE, seed=1)),
}


@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("size", [1, 7, 161, 20_001])
def test_length_and_type_are_kept_and_nothing_is_altered_in_place(name: str, size: int) -> None:
    given_T = speechlike()[4_000 : 4_000 + size]
    before_T = given_T.copy()
    found_T = KEEPING[name](given_T)
    assert found_T.shape == given_T.shape and found_T.dtype == np.float32 and np.isfinite(found_T).all()
    assert (given_T == before_T).all()


@pytest.mark.parametrize("name", [*KEEPING])
def test_silence_stays_silent(name: str) -> None:
    """But for what a codec adds by itself, a few steps of 16 bits."""
    found_T = KEEPING[name](np.zeros(8_000, np.float32))
    assert np.abs(found_T).max() < 2**-12


@pytest.mark.parametrize("kind", ["white", "pink", "babble"])
@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0, -5.0])
def test_the_ratio_asked_for_is_reached(kind: augment.MadeNoise, snr_db: float) -> None:
    clean_T = speechlike()
    noise_T = augment.made_noise(kind, len(clean_T), sample_rate=RATE, seed=3)
    added_T = augment.add_noise(clean_T, noise_T, snr_db=snr_db) - clean_T
    assert power_db(clean_T) - power_db(added_T) == pytest.approx(snr_db, abs=0.1)


@pytest.mark.parametrize("snr_db", [float("-inf"), float("nan"), float("inf")])
def test_a_ratio_that_is_no_number_is_refused(snr_db: float) -> None:
    with pytest.raises(AudioError, match="finite"):
        augment.add_noise(speechlike(), speechlike(), snr_db=snr_db)


def test_silent_noise_is_refused() -> None:
    with pytest.raises(AudioError, match="silent"):
        augment.add_noise(speechlike(), np.zeros_like(speechlike()), snr_db=10)


def octaves_db(noise_T: NDArray[np.float32], *edges_hz: float) -> list[float]:
    """The level (dB) of the mean power density between each edge and its double."""
    power_F, hz_F = np.abs(np.fft.rfft(noise_T)) ** 2, np.fft.rfftfreq(len(noise_T), 1 / RATE)
    return [float(10 * np.log10(power_F[(hz_F >= low) & (hz_F < 2 * low)].mean())) for low in edges_hz]


def test_made_noises_have_their_spectrum() -> None:
    """Power density falls by 0, 3 and 9 dB an octave; a band of 500 Hz holds 5,000 bins, which leaves 0.1 dB of chance."""
    levels = {
        kind: np.diff(octaves_db(augment.made_noise(kind, 10 * RATE, sample_rate=RATE, seed=5), 1000, 2000, 4000))
        for kind in ("white", "pink", "babble")
    }
    assert levels["white"] == pytest.approx([0, 0], abs=0.3)
    assert levels["pink"] == pytest.approx([-3, -3], abs=0.3)
    assert levels["babble"] == pytest.approx([-9, -9], abs=0.5)


def test_a_recording_is_looped_from_a_random_place() -> None:
    recording_T = np.arange(5, dtype=np.float32)
    found_T = augment.loop(recording_T, 12, seed=0)
    assert (np.diff(found_T) % 5 == 1).all() and len(found_T) == 12
    assert {int(augment.loop(recording_T, 1, seed=seed)[0]) for seed in range(60)} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("rt60_s", [0.4, 1.2])
def test_a_made_room_decays_by_60_db_in_its_time(rt60_s: float) -> None:
    """Backward integration after Schroeder, fitted from 5 to 35 dB below; noise leaves about two per cent of chance."""
    tail_T = augment.room_impulse(rt60_s, sample_rate=RATE, seed=2)[1:].astype(np.float64)
    left_db = 10 * np.log10(np.cumsum(tail_T[::-1] ** 2)[::-1] / np.sum(tail_T**2))
    fitted_T = np.flatnonzero((left_db < -5) & (left_db > -35))
    slope = np.polyfit(fitted_T / RATE, left_db[fitted_T], 1)[0]
    assert -60 / slope == pytest.approx(rt60_s, rel=0.05)


def test_a_made_room_has_the_ratio_of_direct_to_reverberant_sound() -> None:
    impulse_T = augment.room_impulse(0.5, sample_rate=RATE, seed=2, direct_to_reverberant_db=6.0).astype(np.float64)
    assert 10 * np.log10(impulse_T[0] ** 2 / np.sum(impulse_T[1:] ** 2)) == pytest.approx(6.0, abs=1e-4)


def test_reverberation_keeps_level_and_place() -> None:
    clean_T = speechlike()
    heard_T = augment.reverberate(clean_T, augment.room_impulse(0.4, sample_rate=RATE, seed=2))
    assert power_db(heard_T) == pytest.approx(power_db(clean_T), abs=1e-3)
    click_T = np.zeros(1000, np.float32)
    click_T[300] = 1.0
    found_T = augment.reverberate(click_T, augment.room_impulse(0.4, sample_rate=RATE, seed=2))
    assert int(np.argmax(np.abs(found_T))) == 300 and (np.abs(found_T[:300]) < 1e-6).all()


def test_an_impulse_begins_at_its_direct_sound() -> None:
    assert augment.trim_impulse(np.array([0, 0.1, -1, 0.5], np.float32)).tolist() == [-1, 0.5]
    with pytest.raises(AudioError, match="silent"):
        augment.trim_impulse(np.zeros(4, np.float32))


@pytest.mark.parametrize(("gain_db", "factor"), [(-20.0, 0.1), (20.0, 10.0), (0.0, 1.0)])
def test_gain_is_in_decibels(gain_db: float, factor: float) -> None:
    assert augment.change_gain(np.array([0.5, -0.25], np.float32), gain_db=gain_db) == pytest.approx(
        [0.5 * factor, -0.25 * factor]
    )


def test_speed_moves_length_and_pitch() -> None:
    found_T = augment.change_speed(tone(1000.0), factor=1.25)
    assert len(found_T) == pytest.approx(RATE / 1.25, abs=1)
    spectrum_F = np.abs(np.fft.rfft(middle(found_T)))
    assert np.argmax(spectrum_F) * RATE / len(middle(found_T)) == pytest.approx(1250, abs=2)


def test_a_crop_is_a_piece_of_the_waveform() -> None:
    whole_T = np.arange(RATE, dtype=np.float32)
    piece_T = augment.crop(whole_T, sample_rate=RATE, crop_s=0.25, seed=4)
    assert len(piece_T) == 4000 and (np.diff(piece_T) == 1).all()
    assert augment.crop(whole_T, sample_rate=RATE, crop_s=2.0, seed=4) is whole_T


def test_a_telephone_passes_its_band_and_nothing_else() -> None:
    for frequency_hz, least_db, most_db in [(1000, -0.1, 0.1), (300, -6.1, -5.9), (3400, -6.1, -5.9), (60, -200, -60)]:
        found_db = power_db(middle(augment.limit_band(tone(frequency_hz), sample_rate=RATE)))
        assert least_db <= found_db - power_db(tone(frequency_hz)) <= most_db, frequency_hz
    assert power_db(middle(augment.limit_band(tone(7000), sample_rate=RATE))) < power_db(tone(7000)) - 60


def test_a_band_wider_than_the_file_only_loses_its_low_end() -> None:
    found_T = augment.limit_band(tone(2500, rate=6000), sample_rate=6000)
    assert power_db(middle(found_T)) == pytest.approx(power_db(tone(2500)), abs=0.1)


def test_clipping_cuts_the_share_asked_for() -> None:
    given_T = np.linspace(-1, 1, 2001, dtype=np.float32)
    found_T = augment.clip_peaks(given_T, share=0.1)
    assert np.abs(found_T).max() == pytest.approx(0.9, abs=1e-3)
    assert np.mean(found_T != given_T) == pytest.approx(0.1, abs=2e-3)


def test_mu_law_errs_by_half_a_step_at_most() -> None:
    """A step of the curve is ln(256) / 127 of its own distance from -1/255; half of it, and its bend, bound the error."""
    given_T = np.linspace(-1, 1, 40_001, dtype=np.float32)
    error_T = np.abs(augment.mu_law(given_T, sample_rate=8_000) - given_T)
    assert (error_T <= 1.02 * (np.log(256) / 254) * (np.abs(given_T) + 1 / 255)).all()
    assert len(np.unique(augment.mu_law(given_T, sample_rate=8_000))) == 255


def test_mu_law_leaves_nothing_above_4_khz() -> None:
    assert power_db(middle(augment.mu_law(tone(6000), sample_rate=RATE))) < -60


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("codec", ["opus", "mp3"])
def test_codecs_delay_nothing_and_lose_something(codec: str, rate: int) -> None:
    through = augment.through_opus if codec == "opus" else augment.through_mp3
    given_T = speechlike(rate=rate)
    found_T = through(given_T, sample_rate=rate, kbits=16)
    spectra_F = np.fft.rfft(found_T, 2 * len(given_T)) * np.conj(np.fft.rfft(given_T, 2 * len(given_T)))
    lag = int(np.argmax(np.fft.irfft(spectra_F)))
    assert min(lag, 2 * len(given_T) - lag) <= rate // 4000
    assert 0.8 < np.corrcoef(found_T, given_T)[0, 1] < 0.99999


def test_fewer_bits_cost_more() -> None:
    given_T = speechlike() + 0.01 * augment.made_noise("white", 2 * RATE, sample_rate=RATE, seed=1)
    for through in (augment.through_opus, augment.through_mp3):
        errors = [power_db(through(given_T, sample_rate=RATE, kbits=kbits) - given_T) for kbits in (16, 96)]
        assert errors[0] > errors[1] + 3


@pytest.mark.parametrize(("through", "kbits"), [(augment.through_opus, 2.0), (augment.through_mp3, 8.0)])
def test_a_bit_rate_that_a_codec_has_not_is_refused(through: object, kbits: float) -> None:
    with pytest.raises(AudioError, match="kbit/s"):
        through(speechlike(), sample_rate=RATE, kbits=kbits)  # type: ignore[operator]


def runs(lost_P: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How long every unbroken loss lasts."""
    edges_P = np.flatnonzero(np.diff(np.concatenate([[False], lost_P, [False]]).astype(np.int8)))
    return np.diff(edges_P)[::2]


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_packets_are_lost_at_their_rate_and_in_bursts(rate: float) -> None:
    """Over 50,000 packets in bursts of three; the tolerance is four standard errors."""
    given_T = np.ones(50_000 * 16, np.float32)
    found_T = augment.lose_packets(given_T, sample_rate=800, rate=rate, burst=3.0, seed=6)
    lost_P = found_T.reshape(-1, 16)[:, 0] == 0
    assert (found_T.reshape(-1, 16) == (~lost_P)[:, None]).all()
    assert lost_P.mean() == pytest.approx(rate, rel=0.12)
    assert runs(lost_P).mean() == pytest.approx(3.0, rel=0.12)


def test_a_loss_that_no_chain_has_is_refused() -> None:
    with pytest.raises(AudioError, match="impossible"):
        augment.lose_packets(speechlike(), sample_rate=RATE, rate=0.9, burst=2.0, seed=0)


def test_masks_are_no_wider_than_their_most() -> None:
    for seed in range(50):
        masked_SM = augment.mask_logmel(np.ones((96, 64), np.float32), seed=seed) == 0
        assert masked_SM.all(axis=0).sum() <= 20 and masked_SM.all(axis=1).sum() <= 20
        bands_M, frames_S = masked_SM.all(axis=0), masked_SM.all(axis=1)
        assert (masked_SM == (bands_M[None] | frames_S[:, None])).all()


def test_the_same_seed_alters_alike() -> None:
    given_T = speechlike()
    alterations: list[Callable[[int], NDArray[np.float32]]] = [
        lambda seed: augment.made_noise("babble", 1000, sample_rate=RATE, seed=seed),
        lambda seed: augment.room_impulse(0.3, sample_rate=RATE, seed=seed),
        lambda seed: augment.lose_packets(given_T, sample_rate=RATE, rate=0.2, seed=seed),
        lambda seed: augment.mask_logmel(np.ones((96, 64), np.float32), seed=seed),
    ]
    for one in alterations:
        assert (one(1) == one(1)).all() and not (one(1) == one(2)).all()
