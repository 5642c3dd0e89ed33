"""YAMNet, a sound event classifier trained on AudioSet: `yamnet`, or `yamnet/PATH.tflite`.

The 1,024-d embedding is the inner tensor below the classifier. Windows of 15,600 samples every 7,680 (0.975 s every
0.48 s), as in the original's `params.py`. The int8 log-mel inside the published LiteRT file gives other values on other
runtimes: compare embeddings only between runs on the same one.

Source: https://github.com/tensorflow/models/tree/master/research/audioset/yamnet
"""

from __future__ import annotations

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


def card(choice: str) -> Card:
    """The facts of YAMNet, once its weights are found.

    Raises:
        ModelError: The weights are not here; the message says where to put them.
    """
    return to_card(FACTS, paths=[_weights(choice)])


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs YAMNet with ai-edge-litert, on one thread unless told."""
    run = LiteRtRunner(_weights(choice), input_name=None, output=FACTS.output, threads=threads)
    return _graph.embedder(run, FACTS)


def _weights(choice: str) -> Path:
    return existing(choice, needed_by="yamnet") if choice else find_weights("yamnet", "yamnet.tflite")[0]
