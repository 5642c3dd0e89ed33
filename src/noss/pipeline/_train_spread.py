"""What several processes share: weights that FSDP spreads are kept whole, and what one finds broken all know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from noss.errors import DataError

if TYPE_CHECKING:
    from accelerate import Accelerator


def is_spread(accelerator: Accelerator, objective: nn.Module) -> bool:
    """Whether the launcher asked for FSDP, and make both ready for it.

    Raises:
        DataError: It asked for FSDP's first version.
    """
    if accelerator.distributed_type != "FSDP":
        return False
    if not accelerator.is_fsdp2:
        raise DataError(
            "FSDP's first version is asked for and only the second keeps weights by name: launch with --fsdp_version 2"
        )
    # Every process builds the same student by the seed; accelerate's way to send it out fails on the statistics of norms.
    accelerator.state.fsdp_plugin.cpu_ram_efficient_loading = False
    objective.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # FSDP takes no channels-last weights
    return True


def average_of(student: nn.Module, *, decay: float, spread: bool) -> AveragedModel:
    """A moving average of a student's weights, of which each process has its piece where they are spread."""
    average = AveragedModel(student, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]
    if spread:
        fully_shard(average.module)
    return average


def whole(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state with every tensor in one piece; where they are spread, all processes must ask together."""
    return {name: value.full_tensor().cpu() if isinstance(value, DTensor) else value for name, value in state.items()}


def everyone(accelerator: Accelerator, broken: Mapping[str, str]) -> dict[str, str]:
    """The files that any process found broken, with the reason; all of them ask together."""
    from accelerate.utils import gather_object

    found = gather_object([dict(broken)]) if accelerator.num_processes > 1 else [broken]
    return {file: why for one in found for file, why in one.items()}
