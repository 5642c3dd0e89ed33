"""How a model behaves where the contract leaves it free, or where only many clips tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._check_model_feed import Feed, Waveform, voice, worst
from noss.pipeline._embed_caught import Caught, one_line

RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
NUM_CLIPS, LONG_S = 1000, 600.0  # or as many and as long as the seconds of the check allow
THREADS_TOLERANCE = 1e-4  # sums are split otherwise on two threads
Check = Callable[[], tuple[bool | None, str]]


class Behaviour(Feed):
    """Checks beyond the contract; None for a remark."""

    def checks(self) -> Iterator[tuple[str, Check]]:
        """Every check by name."""
        yield "sample rate", self.sample_rate
        yield "same length", self.same_length
        yield "gain", self.gain
        yield "ten minutes", self.ten_minutes
        yield "a thousand clips", self.thousand
        yield "other types", self.types
        yield "threads", self.threads

    def sample_rate(self) -> tuple[bool | None, str]:
        """The rate that the model works at is the card's: from what it says itself, else from its frames."""
        said = sorted(set(_stated_rates(self.embedder)) - {self.card.sample_rate})
        if said:
            return False, f"the card says {self.card.sample_rate} Hz and the model itself {said[0]} Hz"
        if not self.card.frame_rate:
            if _stated_rates(self.embedder):
                return True, f"{self.card.sample_rate} Hz, as the model itself says"
            return None, f"{self.card.sample_rate} Hz by the card; one vector a clip cannot tell"
        added, expected = self.added_frames(), 2.0 * self.card.frame_rate
        if abs(added - expected) <= 1.0:
            return True, f"{added} frames for {2 * self.card.sample_rate} samples, as at {self.card.sample_rate} Hz"
        for rate in RATES:
            if rate != self.card.sample_rate and abs(added - expected * self.card.sample_rate / rate) <= 1.0:
                return False, (
                    f"{added / 2:g} frames a second are those of a model of {rate} Hz, and the card says "
                    f"{self.card.sample_rate} Hz: correct sample_rate, or frame_rate if that is the one that is wrong"
                )
        return None, "cannot be told while the frame rate is not the card's"

    def same_length(self) -> tuple[bool, str]:
        """Sounds of one length have one number of frames, whatever is in them, and every time."""
        size = len(self.clips[0])
        noise = np.random.default_rng(self.seed).uniform(-1, 1, size)
        sounds = [*self.equal(3), *self.equal(1), self.fit(np.zeros(size)), self.fit(noise)]
        counts = [self.alone(sound).shape[1] for sound in sounds]
        return len(set(counts)) == 1, f"{' or '.join(map(str, sorted(set(counts))))} frames for {size} samples"

    def gain(self) -> tuple[bool | None, str]:
        """How far 20 dB move a clip, against the way to another clip; a fault where clips become one, or not finite."""
        one, two = (0.1 * clip / np.abs(clip).max() for clip in self.equal(2))
        plain, other = self.vector(one), self.vector(two)
        way = float(np.linalg.norm(plain - other))
        moves = {}
        for gain_db, factor in ((-20, 0.1), (20, 10.0)):
            moved, moved_other = self.vector(self.fit(one * factor)), self.vector(self.fit(two * factor))
            if not (np.isfinite(moved).all() and np.isfinite(moved_other).all()):
                return False, f"not finite at {gain_db:+} dB"
            if np.linalg.norm(moved - moved_other) <= 1e-4 * way:
                return False, f"two clips become one at {gain_db:+} dB"
            moves[gain_db] = float(np.linalg.norm(moved - plain)) / max(way, 1e-12)
        far = ", ".join(f"{gain_db:+} dB moves a clip {move:.2g}" for gain_db, move in moves.items())
        return None, f"{far} of the way to another clip"

    def ten_minutes(self) -> tuple[bool, str]:
        """Ten minutes, in the card's windows or whole, give finite frames; less of them where the model is slow."""
        second = self.lasting(max(1.0, self.card.min_s))
        started = time.perf_counter()
        self.alone(second)
        pace = (time.perf_counter() - started) * self.card.sample_rate / len(second)
        seconds = min(LONG_S, max(30.0, self.budget_s / max(pace, 1e-6)))
        window = self.card.window_s or seconds
        pieces = max(1, int(seconds // window))
        deadline, done = time.perf_counter() + self.budget_s, 0
        while done < pieces and time.perf_counter() < deadline:
            if not np.isfinite(self.alone(self.lasting(window))).all():
                return False, f"not finite in second {done * window:g} to {(done + 1) * window:g}"
            done += 1
        fed = f"in windows of {window:g} s" if self.card.window_s else "at once"
        return True, f"{done * window:.0f} s {fed}"

    def thousand(self) -> tuple[bool, str]:
        """A thousand clips from 10 ms to 1 s, from silent to full scale, all give finite frames."""
        generator = np.random.default_rng(self.seed + 1)
        long = voice(20.0, self.card.sample_rate, generator)
        deadline, wrong, tried = time.perf_counter() + self.budget_s, [], 0
        while tried < NUM_CLIPS and time.perf_counter() < deadline:
            sound, what = _drawn(long, self.card.sample_rate, generator)
            with Caught() as caught:
                finite = bool(np.isfinite(self.alone(self.fit(sound))).all())
            tried += 1
            if caught.error is not None or not finite:
                wrong.append(f"{one_line(caught.error) if caught.error else 'not finite'} ({what})")
        bad = f"{len(wrong)} of {tried} failed, the first with {wrong[0]}" if wrong else ""
        return not wrong, bad or f"{tried} clips of 10 ms to 1 s"

    def types(self) -> tuple[bool | None, str]:
        """What the model itself makes of float64 and int16: float64 that is quietly taken for something else is a remark.

        That of integers is none, as noss scales them before any model sees them.
        """
        clip = np.round(self.clips[0].astype(np.float64) * 32_767) / 32_767
        expected = self.alone(clip.astype(np.float32))
        said = {}
        for name, samples in (("float64", clip), ("int16", np.round(clip * 32_767).astype(np.int16))):
            said[name] = self._outcome(samples, expected)
        text = ", ".join(f"{name} {outcome}" for name, outcome in said.items())
        scaled = "; noss scales integers first" if said["int16"] == "misread" else ""
        return None if said["float64"] == "misread" else True, f"{text}{scaled}"

    def _outcome(self, samples: NDArray[Any], expected: NDArray[np.float32]) -> str:
        import torch

        with Caught() as caught, torch.inference_mode():
            frames, lengths = self.embedder(torch.from_numpy(samples)[None], torch.tensor([len(samples)]))
            found = frames[0, :, : int(lengths[0])].cpu().numpy()
            return "understood" if worst([(expected, found)], tolerance=1e-3)[0] else "misread"
        return "refused" if caught.error is not None else "misread"

    def threads(self) -> tuple[bool, str]:
        """The same frames on one thread and on two."""
        import torch

        kept, found = torch.get_num_threads(), []
        try:
            for number in (1, 2):
                torch.set_num_threads(number)
                found.append(self.alone(self.clips[1]))
        finally:
            torch.set_num_threads(kept)
        ok, detail = worst([(found[0], found[1])], tolerance=THREADS_TOLERANCE)
        return ok, f"{detail} between 1 and 2"


def _drawn(long: NDArray[Any], sample_rate: int, generator: np.random.Generator) -> tuple[Waveform, str]:
    """A piece of a long sound, at any level, and what it is."""
    size = int(generator.integers(sample_rate // 100, sample_rate))
    start = int(generator.integers(0, len(long) - size))
    level_db = float(generator.uniform(-80, 0))
    sound = long[start : start + size] * 10 ** (level_db / 20)
    if generator.random() < 0.05:
        sound, level_db = np.zeros(size), -np.inf
    return sound.astype(np.float32), f"{size} samples, {level_db:.0f} dB"


def _stated_rates(embedder: Any) -> list[int]:
    """Sample rates that a model or anything inside it states under the usual names."""
    inner = [cell.cell_contents for cell in getattr(embedder, "__closure__", None) or () if _filled(cell)]
    parts = [embedder, *inner]
    parts += [part for whole in parts if callable(getattr(whole, "modules", None)) for part in whole.modules()]
    parts += [part.config for part in parts if hasattr(part, "config")]
    found = [getattr(part, name, None) for part in parts for name in ("sample_rate", "sampling_rate")]
    return [rate for rate in found if isinstance(rate, int)]


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
