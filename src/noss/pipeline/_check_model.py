"""Does a model hold what its card promises? Every line of the embedding contract, tried on generated sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import NossError
from noss.models import Card
from noss.pipeline._models import open_model
from noss.pipeline._verdict import Verdict

if TYPE_CHECKING:
    from noss.models import Embedder

TOLERANCE = 1e-5
Waveform = NDArray[np.float32]
Frames = NDArray[np.float32]
BREAKS = (NossError, RuntimeError, ValueError, IndexError, TypeError, AssertionError)


def check_model(name: str, *, cache: Path | None = None, **options: Any) -> list[Verdict]:
    """Try a model by its name: its card, then its embeddings of generated sound.

    Args:
        name: A name on the shelf, or the path of a Python file.
        cache: The cache folder; None for the default one.
        options: Options of the model's `build`.

    Raises:
        NossError: There is no such model, or it cannot be built.
    """
    model = open_model(name, cache=cache, **options)
    card = check_card(model.card)
    if model.lookup is not None:
        return [*card, Verdict("embeddings", None, "looked up, not computed: nothing to try")]
    return [*card, *check_embedder(model.build(), model.card)]


def check_card(card: Card) -> list[Verdict]:
    """Try the facts on a card against each other."""
    numbers = f"{card.sample_rate} Hz, {card.frame_rate:g} frames/s, {card.layers} x {card.dim}"
    sound = card.sample_rate > 0 and card.dim > 0 and card.layers > 0 and card.frame_rate >= 0
    window = card.window_s is None or card.window_s >= card.min_s > -1
    verdicts = [
        Verdict("card: sizes", sound, numbers),
        Verdict("card: window", window, f"at least {card.min_s:g} s, windows of {card.window_s or 'any number of'} s"),
    ]
    if card.licence in {"", "unknown"}:
        verdicts.append(Verdict("card: licence", None, "states no licence"))
    return verdicts


def check_embedder(embedder: Embedder, card: Card, *, seed: int = 0) -> list[Verdict]:
    """Try an embedder against its card, on sound drawn from `seed`."""
    trial = Trial(embedder, card, seed=seed)
    return [_tried(name, check) for name, check in trial.checks()]


class Trial:
    """Generated clips and the checks that run on them; each check returns whether it holds and what it saw."""

    def __init__(self, embedder: Embedder, card: Card, *, seed: int) -> None:
        self.embedder, self.card = embedder, card
        generator = np.random.default_rng(seed)
        shortest = max(card.min_s, 0.4, 3 / card.frame_rate if card.frame_rate else 0.0)
        sizes_s = (shortest * np.array([1.0, 2.3, 1.61])).tolist()
        voices = [_voice(seconds, card.sample_rate, generator) for seconds in sizes_s]
        self.clips = [self._fit(level * voice) for level, voice in zip((1.0, 0.2, 1.5), voices, strict=True)]

    def checks(self) -> Iterator[tuple[str, Callable[[], tuple[bool, str]]]]:
        """Every check that this card calls for, by name."""
        yield "shape", self.shape
        yield "frame rate", self.frame_rate
        yield "finite", self.finite
        yield "short and long", self.short_and_long
        yield "same again", self.again
        yield "same alone and in a batch", self.batch
        if self.card.masks_padding:
            yield "same with padding", self.padding
        yield "tells clips apart", self.apart
        yield "leaves its input alone", self.input

    def shape(self) -> tuple[bool, str]:
        """Frames are (B, L, S, D) as the card says, float32, and every clip has one at least."""
        frames, lengths = self._run(self._equal(3))
        wanted = (3, self.card.layers, frames.shape[2] if frames.ndim == 4 else "S", self.card.dim)
        fits = frames.shape == wanted and frames.dtype == np.float32 and lengths.shape == (3,)
        counted = fits and bool((lengths >= 1).all() and (lengths <= frames.shape[2]).all())
        return counted, f"{frames.shape} {frames.dtype}, lengths {lengths.tolist()}; the card says {wanted}"

    def frame_rate(self) -> tuple[bool, str]:
        """Longer clips have more frames, at the rate of the card; or one each where the card says 0."""
        short = self.card.min_s + 1.0
        counts = [int(self._run([self._fit(np.zeros(self._samples(short + more)))])[1][0]) for more in (0.0, 2.0)]
        if self.card.frame_rate == 0.0:
            return counts == [1, 1], f"{counts[1]} a clip"
        added, expected = counts[1] - counts[0], 2.0 * self.card.frame_rate
        return abs(added - expected) <= 1.0, f"{added} frames in 2 s; the card says {expected:g}"

    def finite(self) -> tuple[bool, str]:
        """No NaN and no infinity: for speech, silence, a click, full scale and a whisper of it."""
        size = self._samples(max(1.0, self.card.min_s))
        click, voice = np.zeros(size), np.resize(self.clips[1], size)
        click[0] = 1.0
        sounds: dict[str, NDArray[Any]] = {
            "speech": voice,
            "silence": np.zeros(size),
            "a click": click,
            "clipping": np.sign(voice),
            "-100 dB": voice * 1e-5,
        }
        wrong = [name for name, sound in sounds.items() if not np.isfinite(self._alone(self._fit(sound))).all()]
        return not wrong, f"not finite for {', '.join(wrong)}" if wrong else f"for {', '.join(sounds)}"

    def short_and_long(self) -> tuple[bool, str]:
        """10 ms (padded as the card says) and the longest piece the card allows both give frames."""
        longest = min(self.card.window_s or 30.0, 30.0)
        pieces = [self._fit(np.resize(self.clips[0], self._samples(seconds))) for seconds in (0.01, longest)]
        frames = [self._alone(piece) for piece in pieces]
        return all(np.isfinite(part).all() and len(part[0]) for part in frames), f"0.01 s and {longest:g} s"

    def again(self) -> tuple[bool, str]:
        """The same clip gives the same frames a second time."""
        return _equal(self._alone(self.clips[0]), self._alone(self.clips[0]))

    def batch(self) -> tuple[bool, str]:
        """A clip's frames do not depend on who shares its batch, where it stands, or how many there are."""
        clips = self._equal(3)
        alone = [self._alone(clip) for clip in clips]
        batches = ([0, 1, 2], [2, 1], [1, 0, 1, 2, 2])
        pairs = [
            (alone[i], part)
            for rows in batches
            for i, part in zip(rows, self._together([clips[i] for i in rows]), strict=True)
        ]
        return _worst(pairs)

    def padding(self) -> tuple[bool, str]:
        """Clips of several lengths, with zeros behind them, give what each gives alone."""
        alone = [self._alone(clip) for clip in self.clips]
        pairs = [
            (one, part)
            for more in (0, 1777)
            for one, part in zip(alone, self._together(self.clips, more=more), strict=True)
        ]
        return _worst(pairs)

    def apart(self) -> tuple[bool, str]:
        """Two clips do not give the same vector."""
        one, two = (self._alone(clip).mean(axis=1) for clip in self._equal(2))
        return not np.allclose(one, two, rtol=0.0, atol=1e-7), f"they differ by {np.abs(one - two).max():.2g}"

    def input(self) -> tuple[bool, str]:
        """The waveform that was passed in is not written to."""
        import torch

        waveform_BT = torch.from_numpy(np.stack(self._equal(2)))
        kept = waveform_BT.clone()
        self.embedder(waveform_BT, torch.full((2,), waveform_BT.shape[1]))
        return bool(torch.equal(kept, waveform_BT)), "unchanged" if torch.equal(
            kept, waveform_BT
        ) else "it was written to"

    def _samples(self, seconds: float) -> int:
        return max(1, ceil(seconds * self.card.sample_rate))

    def _fit(self, sound: NDArray[Any]) -> Waveform:
        """The sound as the pipeline would feed it: padded to the card's shortest, float32."""
        mode = "symmetric" if self.card.padding == "symmetric" else "constant"
        missing = max(0, ceil(self.card.min_s * self.card.sample_rate) - len(sound))
        return np.pad(np.asarray(sound, dtype=np.float32), (0, missing), mode=mode)  # type: ignore[call-overload, no-any-return]

    def _equal(self, number: int) -> list[Waveform]:
        """Clips of one length."""
        return [clip[: len(self.clips[0])] for clip in self.clips[:number]]

    def _alone(self, clip: Waveform) -> Frames:
        return self._together([clip])[0]

    def _together(self, clips: Sequence[Waveform], *, more: int = 0) -> list[Frames]:
        """The frames (L, S, D) that belong to each clip of one batch, `more` zeros behind the longest."""
        frames, lengths = self._run(clips, more=more)
        return [part[:, :length] for part, length in zip(frames, lengths, strict=True)]

    def _run(self, clips: Sequence[Waveform], *, more: int = 0) -> tuple[Frames, NDArray[np.int64]]:
        import torch

        size = max(len(clip) for clip in clips) + more
        waveform_BT = torch.from_numpy(np.stack([np.pad(clip, (0, size - len(clip))) for clip in clips]))
        frames_BLSD, lengths_B = self.embedder(waveform_BT, torch.tensor([len(clip) for clip in clips]))
        return frames_BLSD.detach().cpu().numpy(), lengths_B.cpu().numpy()


def _tried(name: str, check: Callable[[], tuple[bool, str]]) -> Verdict:
    try:
        ok, detail = check()
    except BREAKS as error:
        return Verdict(name, False, f"{type(error).__name__}: {error}")
    return Verdict(name, ok, detail)


def _equal(one: Frames, other: Frames) -> tuple[bool, str]:
    return _worst([(one, other)])


def _worst(pairs: Sequence[tuple[Frames, Frames]]) -> tuple[bool, str]:
    """Whether all pairs agree to 1e-5 of the largest value, at least of 1."""
    if any(one.shape != other.shape for one, other in pairs):
        return False, f"shapes differ: {next((a.shape, b.shape) for a, b in pairs if a.shape != b.shape)}"
    worst = float(np.max([np.abs(one - other).max() / max(1.0, float(np.abs(one).max())) for one, other in pairs]))
    return worst <= TOLERANCE, f"largest difference {worst:.1e}"


def _voice(seconds: float, sample_rate: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """A sound with a pitch, harmonics, syllables and some noise, about as loud as speech."""
    time = np.arange(ceil(seconds * sample_rate)) / sample_rate
    pitch = generator.uniform(90, 260) * (1 + 0.1 * np.sin(2 * np.pi * generator.uniform(1, 4) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    tone = sum(np.sin(number * phase) / number for number in range(1, 12))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * generator.uniform(2, 6) * time + generator.uniform(0, 6))
    return np.asarray(0.1 * tone * syllables + 0.003 * generator.standard_normal(len(time)))
