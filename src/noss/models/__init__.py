"""SHELF: embedding models, ours and wrapped. One file a family; this page is the contract.

A model file defines its cards and how to build it::

    CARDS = {"small": Card(...)}                       # choice -> facts; "" is the choice when none is given

    def build(choice: str, **options) -> Embedder: ...

A wrapper of foreign models (`onnx/PATH`, `transformers/ID`), whose facts are known only once its path is, defines
`card(choice: str, **options) -> Card` in place of `CARDS`. A layer in the name (`@6`, `@all`) reaches `card` and
`build` as the option `layer="6"`, where they take one: `"6"` is then number 6, counted from 0, of the layers that `"all"` gives. Of a
model without that option all layers of its card are returned, and the pipeline picks. `@mix` is `@all` to a model.

A table of vectors made elsewhere defines `lookup` in place of `build`: it takes clips as (file, start_s, end_s), end_s
None for the end of the file, and gives their vectors and which of them it has::

    def lookup(choice: str, keys: Sequence[tuple[Path, float, float | None]]) -> tuple[vectors_ND, found_N]: ...

A family whose weights everybody can get says where, with `HOMES = {choice: Home(...)}`: they are brought on first use.

Reading cards must be cheap: a model file imports torch and every foreign package inside `build`, never at its top.

A model only states facts and maps waveforms to frames. Decoding, resampling, padding short clips, cutting long ones,
batching, moving to a device and pooling are done by `noss.pipeline.embed`, once, for every model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Card:
    """Facts about a model that hold before its weights are read.

    Attributes:
        sample_rate: Hz the model expects.
        frame_rate: Frames it returns per second of audio; 0.0 for a model that returns one vector a clip.
        dim: Embedding size, D.
        source: Paper or page.
        licence: SPDX name of the weights' licence.
        weights: URL or path with `#sha256=...`; None where there is nothing to fetch.
        layers: Layers it returns, L.
        masks_padding: Whether the result for a clip is the same with padding behind it. If False, `embed` feeds it
            batches of clips of one length.
        min_s: Shorter audio is padded on the right to this many seconds before the model sees it.
        padding: How short audio is padded.
        window_s: Longer audio is cut into windows of this many seconds, without overlap, last piece included; their
            embeddings are averaged, weighted by length (or pooled as the name says). None: the model takes a clip whole, in memory (0.23 GB an
            hour at 16 kHz); one that does not fit is listed.
        num_parameters: Trainable parameters.
        size_mb: Size of the weights on disk, in 10^6 bytes.
        trained_on: Corpora the weights have seen.
        citation: BibTeX key or short reference.
        ranked: False for a control that takes no part in rankings.
        devices: Where it can run; `cuda` only where `build` returns a `torch.nn.Module`.
        proofs: Files of weights that came from elsewhere, `PATH#sha256=...;...`, which must hold what they say; empty until
            they are here; None where nothing is known. They are no part of what the model is.
        version: Raised by one whenever a change of code changes the vectors.
        notes: What a user should know, one sentence.
    """

    sample_rate: int
    frame_rate: float
    dim: int
    source: str
    licence: str
    weights: str | None
    layers: int = 1
    masks_padding: bool = True
    min_s: float = 0.0
    padding: Literal["zeros", "symmetric"] = "zeros"
    window_s: float | None = 30.0
    num_parameters: int | None = None
    size_mb: float | None = None
    trained_on: tuple[str, ...] = ()
    citation: str = ""
    ranked: bool = True
    devices: tuple[Literal["cpu", "cuda"], ...] = ("cpu",)
    proofs: str | None = None
    version: int = 1
    notes: str = ""


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where everybody gets the weights of a model.

    Attributes:
        url: Address of an archive of them.
        page: Address of the page where a person finds them.
        folder: Where they belong, below each folder of weights (see `noss.models._files`).
        files: What must lie there when they are there.
        checksum: `sha256:...` of the archive, as stated in public; empty where nobody states it: the first that is found is
            noted then, and a later one must be the same.
    """

    url: str
    page: str
    folder: str
    files: tuple[str, ...]
    checksum: str = ""


class Embedder(Protocol):
    """What `build` returns: a `torch.nn.Module` or a plain function.

    Takes `waveform_BT` (B, T) float32 in [-1, 1], zero behind each clip's end, and `lengths_B` (B,) int64 samples.
    Returns `frames_BLSD` (B, L, S, D) float32 and `frame_lengths_B` (B,) int64, at least 1 each: the frames that
    belong to the clip; those behind them are ignored. A clip-level model returns S = 1.

    The frames of a clip depend on nothing but its own samples: not on batch size, padding, or who shares the batch.
    """

    def __call__(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to frames (B, L, S, D) and their number (B,)."""
        ...
