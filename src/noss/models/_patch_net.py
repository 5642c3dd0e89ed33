"""A net on log-mel patches as an embedding model: the front end, cutting, and what becomes of the patches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from noss.audio.logmel import LogMel, Patches
from noss.models._conv import initialise

BLOCK = 16  # patches run at once


class PatchFrames(nn.Module):
    """One frame a patch, as TRILL, FRILL, YAMNet and VGGish give them.

    Args:
        net: Maps patches (P, 1, S, M) to vectors (P, D).
        front_end: Waveforms to log-mel frames.
        patches: Frames to patches; a remainder of a clip is dropped, as published.
    """

    def __init__(self, net: nn.Module, *, front_end: LogMel, patches: Patches) -> None:
        super().__init__()
        self.front_end, self.patches, self.net = front_end, patches, net

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to frames (B, 1, S, D), one a patch, and how many (B,) belong to each clip."""
        patches_BPSM, num_patches_B = self.patches(*self.front_end(waveform_BT, lengths_B))
        return _vectors(self.net, patches_BPSM)[:, None], num_patches_B


class PatchMean(nn.Module):
    """One vector a clip, as TRILLsson gives it: the mean over patches, made `dim` wide by a dense layer if it is not.

    Args:
        net: Maps patches (P, 1, S, M) to vectors (P, `width`).
        width: Size of the net's vectors.
        dim: Size of the embedding.
    """

    def __init__(self, net: nn.Module, *, width: int, dim: int = 1024) -> None:
        super().__init__()
        self.front_end, self.patches, self.net = LogMel.trillsson(), Patches.trillsson(), net
        self.dense = nn.Linear(width, dim) if width != dim else nn.Identity()

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to one vector a clip (B, 1, 1, D), and the number of it (B,)."""
        patches_BPSM, num_patches_B = self.patches(*self.front_end(waveform_BT, lengths_B))
        vectors_BPD = _vectors(self.net, patches_BPSM)
        own_BP = torch.arange(vectors_BPD.shape[1], device=vectors_BPD.device) < num_patches_B[:, None]
        mean_BD = (vectors_BPD * own_BP[..., None]).sum(dim=1) / num_patches_B[:, None]
        return self.dense(mean_BD)[:, None, None], torch.ones_like(num_patches_B)


def _vectors(net: nn.Module, patches_BPSM: Tensor) -> Tensor:
    """The net's vectors (B, P, D) of patches; blocks keep long clips within memory, and in the processor's cache."""
    images_N1SM = patches_BPSM.flatten(0, 1)[:, None]
    if net.training or torch.compiler.is_exporting() or images_N1SM.is_cuda:
        vectors_ND: Tensor = net(images_N1SM)
    else:
        vectors_ND = torch.cat([net(block_N1SM) for block_N1SM in torch.split(images_N1SM, BLOCK)])
    return vectors_ND.reshape(*patches_BPSM.shape[:2], -1)


def seeded(make: Callable[[], nn.Module], *, seed: int) -> nn.Module:
    """What `make` makes, in evaluation mode and channels-last, its weights drawn by `seed`; the global generator is left alone.

    Running variances start at the power that noise has there, so that an untrained net of any depth is a random projection
    of sound and not next to nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        module: nn.Module = make()
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster convolutions on CPUs
    initialise(module, generator=generator)
    settle(module.eval(), torch.linspace(0.0, 0.3, 32_000).pow(4) * torch.randn(1, 32_000, generator=generator))
    return module


def settle(module: nn.Module, waveform_BT: Tensor) -> None:
    """Set every running variance to the mean power that waveforms (B, T) have there, one number a layer."""
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    hooks = [part.register_forward_pre_hook(_level) for part in norms]
    with torch.no_grad():
        module(waveform_BT, torch.full((len(waveform_BT),), waveform_BT.shape[1]))
    for hook in hooks:
        hook.remove()


def _level(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None
    norm.running_var.fill_(inputs[0].square().mean())
