"""The loop: batches through an objective, steps of the optimiser, looks at held-out speech, checkpoints."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from noss.errors import DataError, ModelError
from noss.pipeline import _train_checkpoint
from noss.pipeline._train_augment import Masks
from noss.pipeline._train_batches import Batches, Loaded, loader
from noss.pipeline._train_checkpoint import State
from noss.pipeline._train_compress import Compression
from noss.pipeline._train_log import Log
from noss.pipeline._train_recipe import Recipe, watch_settings
from noss.pipeline._train_setup import learning_rate, make_optimizer, plain_state
from noss.pipeline._train_spread import average_of, everyone, is_spread, whole
from noss.pipeline._train_teacher import Teachers, with_targets
from noss.pipeline._train_watch import leave_copy

if TYPE_CHECKING:
    from accelerate import Accelerator

_MOST_BROKEN: Final = 0.01
_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


class Loop:
    """One run of training, from the step that is done to the last.

    `step` is the number of steps done, `best` the least loss on held-out speech, `broken` what could not be read.

    Args:
        recipe: The settings.
        objective: The objective around the student.
        accelerator: Where it runs.
        train: Batches to learn from, a part of a step each.
        held_out: Batches to look at; None for none.
        teachers: Give targets; None for none.
        masks: What hides parts of spectrograms while training; None for nothing.
        compression: What makes the student smaller; None for nothing.
        num_recordings: Recordings in all, for the share of broken ones.
        broken: Files that are known to be broken, with the reason; grows.
        workers: Processes that load.
    """

    def __init__(
        self,
        recipe: Recipe,
        objective: nn.Module,
        *,
        accelerator: Accelerator,
        train: Batches,
        held_out: Batches | None,
        teachers: Teachers | None,
        masks: Masks | None,
        compression: Compression | None,
        num_recordings: int,
        broken: dict[str, str],
        workers: int,
    ) -> None:
        self._recipe, self._accelerator = recipe, accelerator
        self._train, self._held_out, self._teachers, self._masks = train, held_out, teachers, masks
        self._compression = compression
        self._num_recordings, self.broken, self._workers = num_recordings, broken, workers
        self._plain = objective
        student: Any = objective.student
        self._student = student
        spread = is_spread(accelerator, objective)
        optimizer = make_optimizer(objective, recipe)
        self._average = average_of(student, decay=recipe.ema, spread=spread) if recipe.ema else None
        self._objective, self._optimizer = accelerator.prepare(objective, optimizer)
        if self._average is not None:
            self._average.to(accelerator.device)
        if recipe.compile:
            student.compile()
        self._watch_every = watch_settings(recipe)["every"] if recipe.watch else 0
        self.step = 0
        self.best = math.inf

    def resume(self, state: State) -> None:
        """Go on from a checkpoint."""
        set_model_state_dict(self._objective, dict(state.objective), options=_WHOLE)
        inner = self._optimizer.optimizer
        known: dict[str, Any] = get_optimizer_state_dict(self._objective, inner)
        set_optimizer_state_dict(self._objective, inner, {**known, "state": _nested(state.optimizer)}, options=_WHOLE)
        if self._average is not None:
            set_model_state_dict(self._average.module, dict(state.average), options=_WHOLE)
            self._average.n_averaged.fill_(state.step)
        self.step = state.step
        self.best = float(state.facts.get("best", math.inf))

    def run(self, folder: Path, log: Log) -> None:
        """Take the steps that are left.

        Raises:
            ModelError: The loss is no number any more.
            DataError: More than one recording in a hundred is broken.
            StoreError: A checkpoint cannot be written.
        """
        recipe = self._recipe
        waiting = loader(
            self._train, self._numbers(), workers=self._workers, pinned=self._accelerator.device.type == "cuda"
        )
        since_s = time.perf_counter()
        while self.step < recipe.steps:
            self.step += 1
            if self._compression is not None:
                first = folder if self._accelerator.is_main_process else None
                self._compression.before_step(self.step, self._plain, self._averages, folder=first)
            numbers = self._one_step(waiting)
            now_s = time.perf_counter()
            speed = {"crops_per_s": recipe.batch_size / max(now_s - since_s, 1e-9)}
            since_s = now_s
            log.add(self.step, {**numbers, **speed})
            if self.step % recipe.validate_every == 0 or self.step == recipe.steps:
                self._look(folder, log)
                since_s = time.perf_counter()

    @property
    def _averages(self) -> nn.Module | None:
        """The student with averaged weights, where there is an average."""
        return None if self._average is None else self._average.module

    def _numbers(self) -> range:
        """The numbers of this process's parts, those of the steps to come."""
        world, rank = self._accelerator.num_processes, self._accelerator.process_index
        a_step = self._recipe.accumulate * world
        return range(self.step * a_step + rank, self._recipe.steps * a_step, world)

    def _one_step(self, waiting: Iterator[Loaded]) -> dict[str, float]:
        recipe, accelerator = self._recipe, self._accelerator
        rate = learning_rate(recipe, self.step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        sums: dict[str, Tensor] = {}
        names: list[str] = []
        for part in range(recipe.accumulate):
            loaded = next(waiting)
            names += loaded.names
            self._note(loaded.broken)
            last = part == recipe.accumulate - 1
            with contextlib.nullcontext() if last else accelerator.no_sync(self._objective):
                found = self._forward(loaded, self._number(part))
                accelerator.backward(found["loss"] / recipe.accumulate)
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + value.detach().float() / recipe.accumulate
        norm = accelerator.clip_grad_norm_(self._objective.parameters(), recipe.clip_norm or math.inf)
        numbers = {name: float(accelerator.reduce(value, reduction="mean")) for name, value in sums.items()}
        length = float(norm) if norm is not None else 0.0
        self._check(numbers["loss"], length, names)
        self._optimizer.step()
        self._optimizer.zero_grad()
        if self._average is not None:
            self._average.update_parameters(self._student)
        if (after := getattr(self._plain, "after_step", None)) is not None:
            after(self.step, recipe.steps)
        return {**numbers, "lr": rate, "gradient_norm": length}

    def _number(self, part: int) -> int:
        world, rank = self._accelerator.num_processes, self._accelerator.process_index
        return int(((self.step - 1) * self._recipe.accumulate + part) * world + rank)

    def _forward(self, loaded: Loaded, number: int) -> dict[str, Tensor]:
        """The objective's numbers for a part; what it draws, such as dropout, is a function of the part's number."""
        batch = with_targets(loaded, self._teachers, number).to(self._accelerator.device)
        torch.manual_seed(self._recipe.seed * 1_000_003 + number)
        masks = self._masks.on() if self._masks is not None and self._objective.training else contextlib.nullcontext()
        with masks:
            found: dict[str, Tensor] = self._objective(batch)
        return found

    def _check(self, loss: float, norm: float, names: list[str]) -> None:
        scaled = self._recipe.precision == "fp16"  # its scaler passes over steps whose gradients overflow
        if math.isfinite(loss) and (scaled or math.isfinite(norm)):
            return
        what = "the loss" if not math.isfinite(loss) else "the gradient"
        shown = ", ".join(dict.fromkeys(names[:8]))
        raise ModelError(
            f"{what} is no number at step {self.step}, for a batch of {shown}{' ...' if len(names) > 8 else ''}: the last checkpoint "
            "is whole; look at these files, or lower lr"
        )

    def _note(self, broken: Mapping[str, str]) -> None:
        self.broken.update(broken)
        if len(self.broken) > _MOST_BROKEN * self._num_recordings and self.broken:
            first = next(iter(self.broken.values()))
            raise DataError(
                f"{len(self.broken)} of {self._num_recordings} recordings cannot be used, which is over 1 %: failures.csv lists them; "
                f"mend or leave out the first of them: {first}"
            )

    def _look(self, folder: Path, log: Log) -> None:
        """Measure held-out speech and write a checkpoint, the best one if it is."""
        if self._compression is not None:
            self._compression.before_look(self.step, self._plain, self._averages)
        numbers = self._validate()
        if numbers:
            log.add(self.step, numbers, prefix="held_out/")
        loss = numbers.get("loss", math.inf)
        is_best = loss < self.best or not numbers  # with nothing held out, the last is the best there is
        self.best = min(loss, self.best)
        log.flush()
        self.broken.update(everyone(self._accelerator, self.broken))
        # Every process takes part in gathering what is spread over them; the first one has it, and writes.
        objective = get_model_state_dict(self._objective, options=_WHOLE)
        optimizer = get_optimizer_state_dict(self._objective, self._optimizer.optimizer, options=_WHOLE)
        kept = plain_state if self._compression is None else self._compression.kept
        student = whole(kept(self._student if self._averages is None else self._averages))
        average = {} if self._average is None else whole(self._average.module.state_dict())
        if self._accelerator.is_main_process:
            state = State(
                step=self.step,
                student=student,
                objective=_tensors(objective),
                average=average,
                optimizer=_flat(optimizer),
                facts={"best": self.best, "held_out": numbers},
            )
            if self._watch_every and self.step % self._watch_every == 0:
                leave_copy(folder, state)
            _train_checkpoint.save(folder / "checkpoints", state, best=is_best)
        self._accelerator.wait_for_everyone()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        if self._held_out is None:
            return {}
        self._objective.eval()
        sums: dict[str, Tensor] = {}
        number = self._recipe.validation_batches
        with self._averaged():
            for place in range(number):
                loaded = self._held_out[place]
                self._note(loaded.broken)
                for name, value in self._forward(loaded, place).items():
                    sums[name] = sums.get(name, 0.0) + value.float() / number
        self._objective.train()
        return {name: float(self._accelerator.reduce(value, reduction="mean")) for name, value in sums.items()}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged weights in the student's place, where there is an average."""
        if self._average is None:
            yield
            return
        own = {name: value.clone() for name, value in self._student.state_dict().items()}
        self._student.load_state_dict(self._average.module.state_dict())
        try:
            yield
        finally:
            self._student.load_state_dict(own)


def _tensors(flat: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: value for name, value in flat.items() if isinstance(value, Tensor)}


def _flat(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of an optimiser's state, by `PARAMETER/NAME`."""
    return {
        f"{parameter}/{name}": value
        for parameter, values in state["state"].items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def _nested(flat: Mapping[str, Tensor]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        parameter, _, name = key.rpartition("/")
        nested.setdefault(parameter, {})[name] = value
    return nested
