"""AST: the transformer of the library `transformers` in plain torch, in three sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from noss.errors import ModelError
from noss.models import ast
from noss.models._ast import AST, ClipAST, Size
from noss.models._patch_net import PatchMean
from noss.pipeline._check_model import check_embedder
from noss.pipeline._models import open_model

SMALL = Size(dim=128, depth=2, num_frames=56, n_mels=36)
NAMES = {
    "embeddings.position_embeddings": "positions",
    "embeddings.patch_embeddings.projection": "patches",
    "attention.q_proj": "query",
    "attention.k_proj": "key",
    "attention.v_proj": "value",
    "attention.o_proj": "out",
    "layernorm_before": "norm_attention",
    "layernorm_after": "norm_linear",
    "mlp.fc1": "linear.0",
    "mlp.fc2": "linear.2",
    "layernorm.": "norm.",
}


def _ours(weights: dict[str, Any]) -> dict[str, Any]:
    """The library's weights under our names."""
    tokens = [weights.pop(f"embeddings.{name}_token")[0] for name in ("cls", "distillation")]
    renamed = {"class_tokens": torch.cat(tokens)}
    for name, value in weights.items():
        for theirs, own in NAMES.items():
            name = name.replace(theirs, own)
        renamed[name] = value[0] if name == "positions" else value
    return renamed


def _library(size: Size) -> Any:
    transformers = pytest.importorskip("transformers")
    config = transformers.ASTConfig(
        hidden_size=size.dim,
        num_hidden_layers=size.depth,
        num_attention_heads=size.dim // 64,
        intermediate_size=4 * size.dim,
        max_length=size.num_frames,
        num_mel_bins=size.n_mels,
    )
    return transformers.ASTModel(config).eval()


def test_the_librarys_weights_give_the_librarys_output() -> None:
    torch.manual_seed(0)
    library, own = _library(SMALL), AST(SMALL).eval()
    with torch.no_grad():
        for weights in library.parameters():
            weights.add_(0.05 * torch.randn_like(weights))
        own.load_state_dict(_ours(library.state_dict()))
        logmel = torch.randn(3, SMALL.num_frames, SMALL.n_mels)
        expected = library(logmel)
        torch.testing.assert_close(own.tokens(logmel[:, None]), expected.last_hidden_state, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(own(logmel[:, None]), expected.pooler_output, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("choice", ast.CARDS)
def test_the_parameters_are_those_of_the_card(choice: str) -> None:
    with torch.device("meta"):
        model = ast.build(choice)
    assert sum(weights.numel() for weights in model.parameters()) == ast.CARDS[choice].num_parameters


def test_base_has_as_many_parameters_as_the_librarys_base() -> None:
    transformers = pytest.importorskip("transformers")
    with torch.device("meta"):
        library = transformers.ASTModel(transformers.ASTConfig())
    assert sum(weights.numel() for weights in library.parameters()) == ast.CARDS["base"].num_parameters


@pytest.mark.parametrize(("choice", "published"), [("trillsson4", 63.4), ("trillsson5", 88.6)])
def test_the_students_come_to_the_published_number(choice: str, published: float) -> None:
    assert round((ast.CARDS[choice].num_parameters or 0) / 1e6, 1) == published


@pytest.mark.parametrize("choice", ["base", "trillsson4"])
def test_a_small_one_keeps_the_embedding_contract(choice: str) -> None:
    torch.manual_seed(0)
    small = Size(dim=128, depth=2, num_frames=1024 if choice == "base" else 195, n_mels=36 if choice == "base" else 80)
    model = ClipAST(small) if choice == "base" else PatchMean(AST(small), width=128, dim=1024)
    card = replace(ast.CARDS[choice], dim=128 if choice == "base" else 1024)
    assert [str(verdict) for verdict in check_embedder(model.eval(), card) if verdict.ok is False] == []


def test_every_weight_of_the_net_learns() -> None:
    torch.manual_seed(0)
    net = AST(SMALL, dropout=0.1).train()
    net(torch.randn(2, 1, SMALL.num_frames, SMALL.n_mels)).square().mean().backward()
    flat = [name for name, weights in net.named_parameters() if weights.grad is None or not weights.grad.any()]
    assert flat == []


def test_a_transformer_of_another_width_and_depth_is_what_its_card_says() -> None:
    model = open_model("ast/trillsson4", width=64, depth=1)
    frames_BLSD, _ = model.build()(torch.zeros(1, 16_000), torch.tensor([16_000]))
    assert (frames_BLSD.shape[-1], model.card.dim, model.card.num_parameters) == (1024, 1024, None)
    assert open_model("ast/base", width=128).card.dim == 128
    with pytest.raises(ModelError, match=r"heads of 64 and its width cannot be 100"):
        open_model("ast/trillsson4", width=100)


@pytest.mark.parametrize("depth", [0, -1])
def test_a_transformer_without_layers_is_refused(depth: int) -> None:
    for refusing in (ast.card, ast.build):
        with pytest.raises(ModelError, match=f"its depth cannot be {depth}: give 1 or more"):
            refusing("base", depth=depth)
