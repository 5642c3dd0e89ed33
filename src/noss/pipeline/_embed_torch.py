"""What is done to a torch model so that it runs faster: half precision, compilation, batches that fit into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from noss.audio.chunk import num_samples
from noss.errors import ModelError
from noss.pipeline._embed_caught import Caught, one_line
from noss.pipeline._models import Model

if TYPE_CHECKING:
    from torch import nn

_SHARE = 0.6  # of the memory that is free: batches differ, and allocators keep some


class DoesNotFit(Exception):  # noqa: N818  it says what happened to a clip, and is told as such
    """One window alone needs more memory than the device has."""


def tuned(embedder: Any, model: Model, *, device: str) -> Any:
    """The built model as its precision and compilation ask for; the same one where they ask for nothing.

    Raises:
        ModelError: It is not built on torch, or cannot be compiled here.
    """
    import torch

    if model.precision == "fp32" and not model.compiled:
        return embedder
    asked = " and ".join(
        [*(["--precision bf16"] if model.precision == "bf16" else []), *(["--compile"] * model.compiled)]
    )
    if not isinstance(embedder, torch.nn.Module):
        raise ModelError(f"{model.name} is no torch module, which {asked} needs: leave it out for this model")
    if model.precision == "bf16":
        _keep_front_end(embedder, device)
    return _compiled(embedder, model, device=device) if model.compiled else embedder


@contextmanager
def precision(model: Model, *, device: str) -> Iterator[None]:
    """Matrix products and convolutions in the model's precision; sums, norms and the front end stay in float32."""
    import torch

    if model.precision == "fp32":
        yield
        return
    with torch.autocast(device, dtype=torch.bfloat16):
        yield


def samples_that_fit(*, free: float, used: float, samples: int) -> int:
    """Samples in a batch for so many free bytes, where a batch of `samples` used so many."""
    return max(samples, int(_SHARE * free / max(used / samples, 1e-9)))


def measured_room(run: Callable[[int], object], *, samples: int) -> int:
    """Samples in a batch that fit on the GPU: what a small batch takes, and how much is free.

    Args:
        run: Runs the model on a batch of so many windows.
        samples: In one window.
    """
    import torch

    run(1)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run(2)
    used = torch.cuda.max_memory_allocated() - before
    free, _ = torch.cuda.mem_get_info()
    held = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return samples_that_fit(free=free + held, used=used, samples=2 * samples)


def _keep_front_end(embedder: nn.Module, device: str) -> None:
    """Keep log-mel front ends in float32: half precision would drown quiet bands in the rounding of loud ones."""
    import torch

    from noss.audio.logmel import LogMel

    def plain(module: LogMel) -> None:
        forward = module.forward

        def in_float32(*given: Any) -> Any:
            with torch.autocast(device, enabled=False):
                return forward(*given)

        module.forward = in_float32  # type: ignore[method-assign, assignment]

    for module in embedder.modules():
        if isinstance(module, LogMel):
            plain(module)


def _compiled(embedder: nn.Module, model: Model, *, device: str) -> Any:
    """The model compiled, and tried once, so that what cannot be compiled is known before any clip."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # a worker may start no processes
    import torch

    rate, card = model.card.sample_rate, model.card
    size = num_samples(max(card.min_s, min(1.0, card.window_s or 1.0)), rate)
    compiled = torch.compile(embedder, dynamic=True)
    waveform_BT, lengths_B = torch.zeros(2, size, device=device), torch.full((2,), size, device=device)
    with Caught() as caught, torch.inference_mode(), precision(model, device=device):
        compiled(waveform_BT, lengths_B)
    if caught.error is not None:
        raise ModelError(f"{model.name} cannot be compiled here ({one_line(caught.error)[:200]}): leave --compile out")
    return compiled
