"""VGGish, trained on tags of videos: `vggish` (128-d), `vggish/fcn1` (4,096-d); or `vggish/./DIR[:fcn1]`.

The SavedModel takes samples and gives a vector for every 0.96 s, without overlap. `fcn1` is the first fully connected layer,
after its activation, which is an operation inside the graph. The first use converts it to ONNX (see `savedmodel`).

Source: Hershey et al. 2017, CNN Architectures for Large-Scale Audio Classification; facts from its page
https://tfhub.dev/google/vggish/1. The number of parameters is that of the architecture up to the 128-d layer: six
convolutions of 3 x 3 and dense layers of 4,096, 4,096 and 128 on 12,288 features.
"""

from __future__ import annotations

from dataclasses import replace

from noss.models import Card, Embedder, _published
from noss.models._published import Published

HOME = _published.home(
    "vggish/1",
    page="https://www.kaggle.com/models/google/vggish",
    folder="vggish",
)
TOP = Card(
    sample_rate=16_000,
    frame_rate=1 / 0.96,
    dim=128,
    source="https://arxiv.org/abs/1609.09430",
    licence="Apache-2.0",
    weights=HOME.url,
    min_s=1.0,
    num_parameters=72_141_184,
    trained_on=("YouTube-8M",),
    citation="Hershey et al. 2017, CNN Architectures for Large-Scale Audio Classification",
    notes="The 128-d output before post-processing; windows of 0.96 s without overlap, clips padded to 1 s.",
)
FCN1 = replace(
    TOP, dim=4_096, notes="First fully connected layer; windows of 0.96 s without overlap, clips padded to 1 s."
)
MODELS = {
    "": Published(key="", card=TOP, home=HOME),
    "fcn1": Published(key="fc1_1/Relu", card=FCN1, home=HOME),
}
CARDS = {choice: model.card for choice, model in MODELS.items()}
HOMES = {choice: model.home for choice, model in MODELS.items()}


def card(choice: str) -> Card:
    """The facts of VGGish, once its weights are here.

    Raises:
        ModelError: They are not; the message says where to put them.
    """
    return _published.card(choice, models=MODELS, family="vggish")


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs VGGish, on one thread unless told."""
    return _published.build(choice, models=MODELS, family="vggish", threads=threads)
