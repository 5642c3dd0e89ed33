"""Does a model hold what its card promises? Every line of the embedding contract, tried on generated sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noss.models import Card
from noss.pipeline._check_model_behaviour import Behaviour
from noss.pipeline._check_model_cost import Cost
from noss.pipeline._check_model_feed import Feed, worst
from noss.pipeline._embed_caught import Caught, one_line
from noss.pipeline._models import open_model
from noss.pipeline._verdict import Verdict

if TYPE_CHECKING:
    from noss.models import Embedder

Check = Callable[[], tuple[bool | None, str]]


def check_model(
    name: str, *, cache: Path | None = None, behaviour: bool = False, budget_s: float = 6.0, **options: Any
) -> list[Verdict]:
    """Try a model by its name: its card, then its embeddings of generated sound.

    Args:
        name: A name on the shelf, or the path of a Python file.
        cache: The cache folder; None for the default one.
        behaviour: Beyond the contract, how it behaves and what it costs; under a minute, for large models too.
        budget_s: Seconds that each of the long checks of behaviour may take, about.
        options: Options of the model's `build`.

    Raises:
        NossError: There is no such model, or it cannot be built.
    """
    model = open_model(name, cache=cache, **options)
    card = check_card(model.card)
    if model.lookup is not None:
        return [*card, Verdict("embeddings", None, "looked up, not computed: nothing to try")]
    embedder = model.build()
    verdicts = [*card, *check_embedder(embedder, model.frames_card)]
    return [*verdicts, *check_behaviour(embedder, model.frames_card, budget_s=budget_s)] if behaviour else verdicts


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
    return [_tried(name, check) for name, check in Trial(embedder, card, seed=seed).checks()]


def check_behaviour(embedder: Embedder, card: Card, *, seed: int = 0, budget_s: float = 6.0) -> list[Verdict]:
    """Try what the contract leaves open: level, rates, length, types, threads, a thousand clips, speed, memory."""
    trials = (trial(embedder, card, seed=seed, budget_s=budget_s) for trial in (Behaviour, Cost))
    return [_tried(name, check) for trial in trials for name, check in trial.checks()]


class Trial(Feed):
    """The checks of the contract; each returns whether it holds and what it saw."""

    def checks(self) -> Iterator[tuple[str, Check]]:
        """Every check that this card calls for, by name."""
        yield "shape", self.shape
        yield "float32", self.float32
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
        """Frames are (B, L, S, D) as the card says, and every clip has one at least."""
        frames, lengths = self.run(self.equal(3))
        wanted = (3, self.card.layers, frames.shape[2] if frames.ndim == 4 else "S", self.card.dim)
        fits = frames.shape == wanted and lengths.shape == (3,)
        counted = fits and bool((lengths >= 1).all() and (lengths <= frames.shape[2]).all())
        return counted, f"{frames.shape}, lengths {lengths.tolist()}; the card says {wanted}"

    def float32(self) -> tuple[bool, str]:
        """Frames are float32."""
        frames, _ = self.run(self.equal(1))
        return frames.dtype == np.float32, f"frames are {frames.dtype}"

    def frame_rate(self) -> tuple[bool, str]:
        """Longer clips have more frames, at the rate of the card; or one each where the card says 0."""
        added, expected = self.added_frames(), 2.0 * self.card.frame_rate
        if self.card.frame_rate == 0.0:
            number = self.alone(self.clips[1]).shape[1]
            return number == 1 and added == 0, f"{number} a clip, {added} more for 2 s"
        return abs(added - expected) <= 1.0, f"{added} frames in 2 s; the card says {expected:g}"

    def finite(self) -> tuple[bool, str]:
        """No NaN and no infinity: for speech, silence, a click, full scale and a whisper of it."""
        size = self.samples(max(1.0, self.card.min_s))
        click, voice = np.zeros(size), np.resize(self.clips[1], size)
        click[0] = 1.0
        sounds: dict[str, NDArray[Any]] = {
            "speech": voice,
            "silence": np.zeros(size),
            "a click": click,
            "clipping": np.sign(voice),
            "-100 dB": voice * 1e-5,
        }
        wrong = [name for name, sound in sounds.items() if not np.isfinite(self.alone(self.fit(sound))).all()]
        return not wrong, f"not finite for {', '.join(wrong)}" if wrong else f"for {', '.join(sounds)}"

    def short_and_long(self) -> tuple[bool, str]:
        """10 ms (padded as the card says) and the longest piece the card allows both give frames."""
        longest = min(self.card.window_s or 30.0, 30.0)
        pieces = [self.fit(np.resize(self.clips[0], self.samples(seconds))) for seconds in (0.01, longest)]
        frames = [self.alone(piece) for piece in pieces]
        return all(np.isfinite(part).all() and len(part[0]) for part in frames), f"0.01 s and {longest:g} s"

    def again(self) -> tuple[bool, str]:
        """The same clip gives the same frames a second time."""
        return worst([(self.alone(self.clips[0]), self.alone(self.clips[0]))])

    def batch(self) -> tuple[bool, str]:
        """A clip's frames do not depend on who shares its batch, where it stands, or how many there are."""
        clips = self.equal(3)
        alone = [self.alone(clip) for clip in clips]
        batches = ([0, 1, 2], [2, 1], [1, 0, 1, 2, 2])
        pairs = [
            (alone[i], part)
            for rows in batches
            for i, part in zip(rows, self.together([clips[i] for i in rows]), strict=True)
        ]
        return worst(pairs)

    def padding(self) -> tuple[bool, str]:
        """Clips of several lengths, with zeros behind them, give what each gives alone."""
        alone = [self.alone(clip) for clip in self.clips]
        pairs = [
            (one, part)
            for more in (0, 1777)
            for one, part in zip(alone, self.together(self.clips, more=more), strict=True)
        ]
        return worst(pairs)

    def apart(self) -> tuple[bool, str]:
        """Two clips do not give the same vector."""
        one, two = (self.alone(clip).mean(axis=1) for clip in self.equal(2))
        return not np.allclose(one, two, rtol=0.0, atol=1e-7), f"they differ by {np.abs(one - two).max():.2g}"

    def input(self) -> tuple[bool, str]:
        """The waveform that was passed in is not written to."""
        import torch

        waveform_BT = torch.from_numpy(np.stack(self.equal(2)))
        kept = waveform_BT.clone()
        self.embedder(waveform_BT, torch.full((2,), waveform_BT.shape[1]))
        return bool(torch.equal(kept, waveform_BT)), "unchanged" if torch.equal(
            kept, waveform_BT
        ) else "it was written to"


def _tried(name: str, check: Check) -> Verdict:
    with Caught() as caught:
        ok, detail = check()
        return Verdict(name, ok, detail)
    return Verdict(name, False, one_line(caught.error))
