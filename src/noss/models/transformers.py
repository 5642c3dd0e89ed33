"""Speech transformers of Hugging Face: `transformers/ID_OR_FOLDER[#LANGUAGE][@layer]`.

wav2vec 2.0 (with MMS), HuBERT, WavLM, Data2Vec, UniSpeech(-SAT), Wav2Vec2-Conformer, SEW(-D), W2V-BERT, the encoders of
Whisper, SpeechT5, Moonshine, Speech2Text, SeamlessM4T and Parakeet, AST, the audio tower of CLAP, and the codecs EnCodec,
DAC and Mimi, whose frames are what they quantise. From a local folder or from the hub (`OWNER/NAME`, or
`OWNER/NAME:REVISION` to pin one; the commit is recorded, and a model that lies here is not moved).

Nothing gives the output of the last layer, `@6` hidden state 6, `@all` every hidden state from 0. `#fra` puts in the
adapter of a language (`adapter.fra.safetensors`). A length adapter on top of the encoder is left out. AST gives one vector
a clip, the mean of its two class tokens; CLAP one in the space that it shares with text, of 10 s at most.

No code of the repository is run, unless `--trust-remote-code` names the model and its classes are not those of the library:
then it is called as `AutoModel` and `AutoFeatureExtractor` make it, and its facts are measured.
"""

from __future__ import annotations

from noss.errors import ModelError
from noss.models import Card, Embedder, _speech_facts, _speech_source
from noss.models._speech_families import FAMILIES
from noss.models._speech_source import Source


def card(choice: str, *, layer: str | None = None, trust_remote_code: bool = False) -> Card:
    """The facts of a transformer, read from its configuration.

    Raises:
        ModelError: There is no such model, it is of an unknown family, it has no such layer, or it would run code of its
            repository and is not trusted.
    """
    source = _speech_source.find(choice)
    if _runs_code(source, choice, trusted=trust_remote_code):
        from noss.models import _foreign, _speech_remote

        found = {"source": source.page, "licence": source.licence, "proofs": source.proofs}
        return _foreign.card(_speech_remote.opened(source, layer=layer), **found)
    facts = _speech_facts.read(source, layer=layer)
    return Card(
        sample_rate=facts.sample_rate,
        frame_rate=facts.frame_rate,
        dim=facts.dim,
        source=source.page,
        licence=source.licence,
        weights=source.weights,
        proofs=source.proofs,
        layers=facts.layers,
        masks_padding=facts.masks_padding,
        min_s=facts.min_s,
        window_s=facts.window_s,
        num_parameters=source.num_parameters(part=facts.family.weights),
        size_mb=source.size_mb(),
        devices=("cpu", "cuda"),
    )


def build(choice: str, *, layer: str | None = None, trust_remote_code: bool = False) -> Embedder:
    """The transformer as a module in evaluation mode, float32, on the processor.

    Raises:
        ModelError: Its weights cannot be read, or are not those of its configuration.
    """
    source = _speech_source.find(choice)
    if _runs_code(source, choice, trusted=trust_remote_code):
        from noss.models import _speech_remote
        from noss.models._foreign import Foreign

        return Foreign(_speech_remote.opened(source, layer=layer)).eval()
    from noss.models._speech_nets import SpeechTransformer

    return SpeechTransformer(source, _speech_facts.read(source, layer=layer)).eval()


def _runs_code(source: Source, choice: str, *, trusted: bool) -> bool:
    """Whether a model's classes lie in its own repository: those of the library come first, whatever it asks for."""
    config = source.json("config.json") or {}
    if "AutoModel" not in config.get("auto_map", {}) or config.get("model_type") in FAMILIES:
        return False
    if not trusted:
        raise ModelError(
            f"{source.page} asks to run code of its own, {config['auto_map']['AutoModel']}: read it, then pass "
            f"--trust-remote-code transformers/{choice}"
        )
    return True
