"""What compression does to size and speed, by architecture: untrained nets, as neither depends on the weights.

    python benchmarks/compress.py [MODEL ...]

One thread, a second of sound, the shortest of calls in turn with the uncompressed net. Low rank is a quarter of each layer's most,
pruning takes half of the outputs that can go, int8 is torchao's. Kinds that find no layer in a net are left out.
"""

from __future__ import annotations

import copy
import sys
import time
from typing import Any

import torch

from noss import shelf
from noss.errors import DataError
from noss.models._compressed import load_compressed
from noss.pipeline._train_compress import Compression
from noss.pipeline._train_compress_settings import read_compress

MODELS = ("audiontt/512", "audiontt/2048", "efficientnet_v2/b0", "mobilenet_v3/small-1.0", "conformer/5m", "ast/base")
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("low rank", {"low_rank": {"rank": 0.25}}),
    ("prune", {"prune": {}}),
    ("int8", {"int8": {}}),
)
CALLS = 15


def compressed(name: str, given: dict[str, Any]) -> tuple[Any, int]:
    """The net as it is rebuilt from its files, and the bytes of its weights."""
    student = built(name)
    made = Compression(student, read_compress(given, steps=2))
    kept, other = made.kept(student), built(name)
    load_compressed(other, kept, made.record)
    return other, weight_bytes(kept)


def built(name: str) -> Any:
    """The net with random weights."""
    parsed = shelf.parse_model(name)
    return shelf.load("models", parsed.part).build(parsed.choice or "").eval()


def weight_bytes(state: dict[str, torch.Tensor]) -> int:
    """Bytes of all tensors."""
    return sum(value.numel() * value.element_size() for value in state.values())


@torch.inference_mode()
def shortest(nets: list[Any], num_samples: int) -> list[float]:
    """Milliseconds of each net, called in turn."""
    waveform_BT, lengths_B = 0.1 * torch.randn(1, num_samples), torch.tensor([num_samples])
    spent: list[list[float]] = [[] for _ in nets]
    for _ in range(CALLS):
        for net, times in zip(nets, spent, strict=True):
            began = time.perf_counter()
            net(waveform_BT, lengths_B)
            times.append(time.perf_counter() - began)
    return [1e3 * min(times) for times in spent]


def main(models: tuple[str, ...]) -> None:
    """Print a line a net and kind."""
    torch.set_num_threads(1)
    print(f"{'model':24}{'kind':10}{'MB':>9}{'of before':>11}{'ms':>9}{'of before':>11}")
    for name in models:
        plain = built(name)
        card = shelf.load("models", shelf.parse_model(name).part).CARDS[shelf.parse_model(name).choice or ""]
        whole = weight_bytes(copy.copy(plain.state_dict()))
        for kind, given in KINDS:
            try:
                net, size = compressed(name, given)
            except DataError as error:
                print(f"{name:24}{kind:10}  {error}")
                continue
            before, after = shortest([plain, net], round(max(1.0, card.min_s) * card.sample_rate))
            print(f"{name:24}{kind:10}{size / 1e6:9.2f}{size / whole:11.2f}{after:9.2f}{after / before:11.2f}")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or MODELS)
