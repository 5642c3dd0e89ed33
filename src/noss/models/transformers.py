"""Speech transformers of Hugging Face: `transformers/ID_OR_FOLDER[@layer]`.

wav2vec 2.0, HuBERT, WavLM, Data2Vec, UniSpeech(-SAT), Whisper (its encoder), AST and W2V-BERT, from a local folder or from
the hub (`OWNER/NAME`, or `OWNER/NAME:REVISION` to pin one; the commit is recorded, and a model that lies here is not moved).
Nothing gives the output of the last layer, `@6` hidden state 6, `@all` every hidden state from 0. No code of the
repository is run. An adapter on top of the encoder is left out. AST gives one vector a clip: the mean of its two class
tokens.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _speech_facts, _speech_source

PARTS = {"whisper": "encoder.", "waveform": "", "ast": "", "bert": ""}


def card(choice: str, *, layer: str | None = None) -> Card:
    """The facts of a transformer, read from its configuration.

    Raises:
        ModelError: There is no such model, it is of an unknown family, or it has no such layer.
    """
    source = _speech_source.find(choice)
    facts = _speech_facts.read(source, layer=layer)
    return Card(
        sample_rate=facts.sample_rate,
        frame_rate=facts.frame_rate,
        dim=facts.dim,
        source=source.page,
        licence=source.licence,
        weights=source.weights,
        layers=facts.layers,
        masks_padding=facts.masks_padding,
        min_s=facts.min_s,
        window_s=facts.window_s,
        num_parameters=source.num_parameters(part=PARTS[facts.kind]),
        size_mb=source.size_mb(),
        devices=("cpu", "cuda"),
    )


def build(choice: str, *, layer: str | None = None) -> Embedder:
    """The transformer as a module in evaluation mode, float32, on the processor.

    Raises:
        ModelError: Its weights cannot be read, or are not those of its configuration.
    """
    from noss.models._speech_nets import SpeechTransformer

    source = _speech_source.find(choice)
    return SpeechTransformer(source, _speech_facts.read(source, layer=layer)).eval()
