"""YAMNet, a sound event classifier trained on AudioSet: `yamnet`, `yamnet/layer10`, or `yamnet/PATH.tflite[:layer10]`.

The 1,024-d embedding is the inner tensor below the classifier. Layer 10 is what its tenth convolution gives, counted with
the first: 6 x 4 places of 512 filters after the activation, flattened to 12,288. Windows of 15,600 samples every 7,680 (0.975 s every
0.48 s), as in the original's `params.py`. The int8 log-mel inside the published LiteRT file gives other values on other
runtimes: compare embeddings only between runs on the same one.

Source: https://github.com/tensorflow/models/tree/master/research/audioset/yamnet
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from noss.models import Card, Embedder, _graph
from noss.models._card_file import CardFile, to_card
from noss.models._files import existing, find_weights
from noss.models._litert import LiteRtRunner

FACTS = CardFile(
    sample_rate=16_000,
    dim=1024,
    window=15_600,
    hop=7_680,
    output="yamnet_frames/global_average_pooling2d/Mean",
    source="https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
    licence="Apache-2.0",
    citation="Gemmeke et al. 2017, Audio Set; Howard et al. 2017, MobileNets",
    trained_on=("AudioSet",),
    num_parameters=3_729_481,
    notes="Values depend on the LiteRT runtime (int8 log-mel inside the graph); 0.975 s windows every 0.48 s.",
)


LAYER10 = replace(
    FACTS,
    dim=12_288,
    output="yamnet_frames/layer10/pointwise_conv/relu/Relu",
    notes="Layer 10, 6 x 4 x 512, flattened; values depend on the LiteRT runtime; 0.975 s windows every 0.48 s.",
)
LAYERS = {"": FACTS, "layer10": LAYER10}


def card(choice: str) -> Card:
    """The facts of YAMNet, once its weights are found.

    Raises:
        ModelError: The weights are not here; the message says where to put them.
    """
    facts, path = _place(choice)
    return to_card(facts, paths=[path])


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs YAMNet with ai-edge-litert, on one thread unless told."""
    facts, path = _place(choice)
    run = LiteRtRunner(path, input_name=None, output=facts.output, threads=threads)
    return _graph.embedder(run, facts)


def _place(choice: str) -> tuple[CardFile, Path]:
    if choice in LAYERS:
        return LAYERS[choice], find_weights("yamnet", "yamnet.tflite")[0]
    path, _, layer = choice.rpartition(":")
    if path and layer in LAYERS:
        return LAYERS[layer], existing(path, needed_by="yamnet")
    return FACTS, existing(choice, needed_by="yamnet")
