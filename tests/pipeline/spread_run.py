"""What each of two processes runs: FSDP's second version on processors, with gloo, whole and stopped in the middle.

accelerate offers FSDP on accelerators only; torch runs it on processors as well, and what noss makes of it is the same there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import accelerate
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

from noss.pipeline import _train_page
from noss.pipeline.train import train

_stop_at_the_first_checkpoint = False


class Spread(accelerate.Accelerator):
    """Spreads weights over processes, which it believes to have a GPU each."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.state.distributed_type = DistributedType.FSDP
        self.state.fsdp_plugin = FullyShardedDataParallelPlugin(fsdp_version=2)

    def wait_for_everyone(self) -> None:
        super().wait_for_everyone()
        if _stop_at_the_first_checkpoint:
            raise KeyboardInterrupt


def no_page(run: Path, *, cache: Path) -> None:
    """Nothing: the page takes seconds and is not what is tested."""


if __name__ == "__main__":
    accelerate.Accelerator = Spread  # type: ignore[misc]
    _train_page.show = no_page
    recipe, folder = sys.argv[1], Path(sys.argv[2])
    sys.stdout.write(str(train(recipe, out=folder / "whole", device="cpu", workers=0)))
    _stop_at_the_first_checkpoint = True
    try:
        train(recipe, out=folder / "stopped", device="cpu", workers=0)
    except KeyboardInterrupt:
        _stop_at_the_first_checkpoint = False
    train(recipe, out=folder / "stopped", device="cpu", workers=0)
