"""From the buffer to the weights: batches, learning rates, one optimizer step."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from azul_tui.config.setting import check_float, check_instance, check_int
from azul_tui.errors import CheckpointError, ConfigError, DivergedError
from azul_tui.network.compute import autocast, choose_training, resolve_device
from azul_tui.network.losses import LossFunctions
from azul_tui.network.model import AzulNetwork, tensor_of, total_norm
from azul_tui.training.checkpoint import check_optimizer_state
from azul_tui.training.replay import ReplayBuffer, ReplaySample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# -- what changes over a run: the learning rate by the step, simulations by the iteration


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LearningRateSchedule:
    """A linear rise, then the peak, or a cosine down from it when an end is named."""

    peak: float = 1e-3
    warmup_steps: int = 0
    """Steps of linear rise, from peak / warmup_steps."""
    total_steps: int | None = None
    """Step at which the cosine arrives (Loshchilov and Hutter 2017); None: stay at the peak."""
    final_share: float = 0.0
    """What is left of the peak at `total_steps` and after."""

    def __post_init__(self) -> None:
        """Refuse rates that cannot train."""
        object.__setattr__(self, "peak", check_float("learning_rate", self.peak, 0.0))
        if self.peak == 0.0:
            raise ConfigError("learning_rate must be above 0, got 0")

    def rate_at(self, step: int) -> float:
        """Learning rate of step `step`, from 0."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        if self.total_steps is None:
            return self.peak
        span = max(1, self.total_steps - self.warmup_steps)
        progress = min(1.0, (step - self.warmup_steps) / span)
        share = 0.5 * (1.0 + math.cos(math.pi * progress))
        return self.peak * (self.final_share + (1.0 - self.final_share) * share)


# -- batchSampler: batches from a replay buffer, on the device that trains
#
# Shapes: B positions, F features, A actions, V values.

Int64Array = npt.NDArray[np.int64]

POSITIONS_AT_ONCE: Final = 512
"""Positions gathered together when batches are smaller.

A gather between two training steps finds no cache that remembers the buffer or the code: 64
positions took 110 us one batch at a time and 35 us eight batches at a time.
"""


class Batch(NamedTuple):
    """Three tensors on one device."""

    state: Tensor
    """`(B, F)` int8, raw observations: the network scales them itself."""
    policy: Tensor
    """`(B, A)` float32."""
    outcome: Tensor
    """`(B, V)` float32."""


class _Slot:
    """Memory of some batches: where the processor writes them and where the device reads them."""

    def __init__(
        self, buffer: ReplayBuffer, batches: int, batch_size: int, device: torch.device
    ) -> None:
        pinned = device.type == "cuda"
        drawn = [tensor_of(array) for array in buffer.empty_sample(batches * batch_size)]
        host = [tensor.pin_memory() for tensor in drawn] if pinned else drawn
        observation, policy, outcome = (tensor.numpy() for tensor in host)
        self.sample = ReplaySample(observation, policy, outcome)
        self.host = _split(host, batch_size)
        self.on_device = (
            self.host
            if device.type == "cpu"
            else _split([tensor.to(device) for tensor in host], batch_size)
        )
        self.uploaded = torch.cuda.Event() if pinned else None

    def upload(self, number: int) -> Batch:
        """A batch on the device; on CUDA the copy is only queued."""
        batch = self.on_device[number]
        if batch is not self.host[number]:
            for source, target in zip(self.host[number], batch, strict=True):
                target.copy_(source, non_blocking=self.uploaded is not None)
        if self.uploaded is not None:
            self.uploaded.record()
        return batch


class BatchSampler:
    """Uniform batches with a random stream of their own."""

    def __init__(
        self,
        replay_buffer: ReplayBuffer,
        batch_size: int,
        device: str | torch.device = "cpu",
        seed: int = 0,
        min_size: int | None = None,
    ) -> None:
        """Allocate the batches.

        Args:
            replay_buffer: Where positions come from.
            batch_size: B.
            device: Where batches are placed.
            seed: Start of the random stream.
            min_size: Positions that the buffer must hold first; never fewer than B.

        Raises:
            ConfigError: `batch_size` is below 1, or the machine has no such device.
        """
        batch_size = check_int("batch_size", batch_size, 1)
        self.replay_buffer: ReplayBuffer = check_instance(
            "replay_buffer", replay_buffer, ReplayBuffer
        )
        self.batch_size: int = batch_size
        self.min_size: int = max(
            batch_size, 0 if min_size is None else check_int("min_size", min_size, 0)
        )
        self.device: torch.device = resolve_device(device) if isinstance(device, str) else device
        self._generator: np.random.Generator = np.random.default_rng(check_int("seed", seed, 0))
        self._group: int = max(1, POSITIONS_AT_ONCE // batch_size)
        # Two on CUDA: one is filled while the other is still being copied.
        slots = 2 if self.device.type == "cuda" else 1
        self._slots: list[_Slot] = [
            _Slot(replay_buffer, self._group, batch_size, self.device) for _ in range(slots)
        ]
        self._rows: Int64Array = np.zeros(0, np.int64)
        """Rows of the batches that were drawn and not yet handed out."""
        self._drawn_from: int = -1
        """The buffer's `added` at that draw."""
        self._gathered: int = 0
        """How many of them, counted from the end, lie in the current slot."""

    def sample_batch(self) -> Batch | None:
        """`(state (B, F), policy (B, A), outcome (B, V))`, or None while the buffer is too small.

        The tensors are written over by a later call: clone what is to be kept.
        """
        buffer = self.replay_buffer
        if len(buffer) < self.min_size:
            return None
        if len(self._rows) < self.batch_size or buffer.added != self._drawn_from:
            count = self._group * self.batch_size
            self._rows = buffer.draw_rows(count, self._generator)
            self._drawn_from = buffer.added
            self._gathered = 0
        if not self._gathered:
            self._slots.append(self._slots.pop(0))
            if (event := self._slots[0].uploaded) is not None:
                event.synchronize()
            buffer.gather_into(self._slots[0].sample, self._rows)
            self._gathered = len(self._rows)
        number = (self._gathered - len(self._rows)) // self.batch_size
        self._rows = self._rows[self.batch_size :]
        if not len(self._rows):
            self._gathered = 0
        return self._slots[0].upload(number)

    def state_dict(self) -> dict[str, Any]:
        """The random stream's state and the rows that wait, in plain types and tensors."""
        return {
            "generator": dict(self._generator.bit_generator.state),
            "rows": tensor_of(self._rows.copy()),
            "added": self._drawn_from,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue the stream that `state_dict` saved.

        The buffer may be filled later: it must then hold what it held.

        Raises:
            ValueError, TypeError, KeyError: `state` is not such a state.
        """
        rows = cast("Tensor", state["rows"]).numpy()
        most = self._group * self.batch_size
        whole = rows.dtype == np.int64 and rows.ndim == 1 and len(rows) % self.batch_size == 0
        if not whole or len(rows) > most or not _within(rows, self.replay_buffer.capacity):
            rows = np.zeros(0, np.int64)  # of another batch size or capacity
        self._generator.bit_generator.state = state["generator"]
        self._rows = rows.copy()
        self._drawn_from = int(state["added"])
        self._gathered = 0


def _split(tensors: list[Tensor], batch_size: int) -> list[Batch]:
    """Views of one batch each."""
    starts = range(0, len(tensors[0]), batch_size)
    return [Batch(*(tensor[at : at + batch_size] for tensor in tensors)) for at in starts]


def _within(rows: Int64Array, capacity: int) -> bool:
    """Whether all rows exist; a damaged state must not reach beyond the arrays."""
    return bool(np.all((rows >= 0) & (rows < capacity)))


# -- trainingStep: a batch, the losses, their gradient, and one step of AdamW
#
# Nothing in a step waits for the device: the gradient is clipped inside the optimizer's kernel,
# losses stay where they are computed, and numbers reach Python when somebody asks. A gradient
# or a loss that is not finite raises DivergedError at the next look.


@dataclasses.dataclass(frozen=True, slots=True)
class StepReport:
    """Means over the steps since the last report."""

    step: int
    """Steps that the optimizer has made in all."""
    total_loss: float
    policy_loss: float
    value_loss: float
    gradient_norm: float
    """Before clipping."""
    learning_rate: float
    """Of the last step."""


class TrainingStep:
    """Trains a network in place on what a sampler draws."""

    def __init__(
        self,
        model: AzulNetwork,
        sampler: BatchSampler,
        *,
        optimizer: torch.optim.Optimizer | None = None,
        losses: LossFunctions | None = None,
        schedule: LearningRateSchedule | None = None,
        weight_decay: float = 1e-4,
        gradient_clip_norm: float = 1.0,
        precision: str = "auto",
        ema_decay: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Move the model to the sampler's device and prepare an optimizer.

        Args:
            model: Trained in place.
            sampler: Gives batches; its device is where training happens.
            optimizer: A fused `torch.optim.AdamW` over the model's parameters unless given; it
                must be a fused Adam or AdamW.
            losses: Weights and temperature of the losses.
            schedule: Learning rate by step.
            weight_decay: Decoupled (Loshchilov and Hutter 2019).
            gradient_clip_norm: Longest gradient, over all parameters; 0 does not clip.
            precision: "float32", "bfloat16" (autocast; weights stay float32), or "auto": the one
                that takes less time on this machine, as timing found when it was first asked.
            ema_decay: Share that averaged weights keep in each step; 0 keeps no average.
            clock: Seconds, for `training_time`.

        Raises:
            ConfigError: A number is out of range, or the optimizer is not fused.
        """
        check_instance("model", model, AzulNetwork)
        check_instance("sampler", sampler, BatchSampler)
        gradient_clip_norm = check_float("gradient_clip_norm", gradient_clip_norm, 0.0)
        weight_decay = check_float("weight_decay", weight_decay, 0.0)
        ema_decay = check_float("ema_decay", ema_decay, 0.0, 0.999999)
        self.model: AzulNetwork = model.to(sampler.device)
        self.sampler: BatchSampler = sampler
        self.losses: LossFunctions = losses or LossFunctions()
        self.schedule: LearningRateSchedule = schedule or LearningRateSchedule()
        self.gradient_clip_norm: float = gradient_clip_norm
        self.ema_decay: float = ema_decay
        self.step: int = 0
        """Steps made in all, those before a resume included."""
        self._parameters: list[Tensor] = list(model.parameters())
        self.optimizer: torch.optim.Optimizer = optimizer or torch.optim.AdamW(
            model.parameters(), lr=self.schedule.peak, weight_decay=weight_decay, fused=True
        )
        if not getattr(self.optimizer, "_step_supports_amp_scaling", False):
            raise ConfigError("the optimizer must be a fused one, like AdamW(..., fused=True)")
        self.precision: str = choose_training(
            model.description,
            sampler.batch_size,
            sampler.device,
            torch.get_num_threads(),
            precision,
        ).chosen
        """"float32" or "bfloat16"."""
        self._averages: list[Tensor] = (
            [parameter.detach().clone() for parameter in self._parameters] if ema_decay else []
        )
        self._update_averages: Callable[[list[Tensor], list[Tensor], int], None] = cast(
            "Callable[[list[Tensor], list[Tensor], int], None]", get_ema_multi_avg_fn(ema_decay)
        )
        self._unread: list[Tensor] = []
        self._clock: Callable[[], float] = clock

    def single_training_step(self) -> dict[str, float] | None:
        """One step; `total_loss`, `policy_loss`, `value_loss`, or None while there is no batch.

        Raises:
            DivergedError: A loss or the gradient is not finite.
        """
        self._be_in_training()
        if not self._try_step():
            return None
        report = self._report(1)
        return {
            "total_loss": report.total_loss,
            "policy_loss": report.policy_loss,
            "value_loss": report.value_loss,
        }

    def train_for_steps(
        self, steps: int, on_step: Callable[[StepReport], None] | None = None, every: int = 1
    ) -> dict[str, float]:
        """Make `steps` steps, or fewer when the sampler stops giving batches.

        Args:
            steps: How many.
            on_step: Told the means over the last `every` steps, each time so many are done and
                for what is left at the end. This is where the host waits for the device.
            every: See `on_step`.

        Returns:
            Means `total_loss`, `policy_loss`, `value_loss` and `gradient_norm` (NaN without any
            step), `learning_rate`, `successful_steps` and `training_time` in seconds.

        Raises:
            ConfigError: `steps` is no whole number of at least 0, or `every` none of at least 1.
            DivergedError: A loss or the gradient was not finite since the last look.
        """
        steps = check_int("steps", steps, 0)
        every = check_int("every", every, 1)
        started = self._clock()
        self._be_in_training()
        reports: list[tuple[int, StepReport]] = []
        pending = done = 0
        while done < steps and self._try_step():
            done += 1
            pending += 1
            if on_step is not None and pending == every:
                reports.append((pending, self._report(pending)))
                pending = 0
                on_step(reports[-1][1])
        if pending:
            reports.append((pending, self._report(pending)))
            if on_step is not None:
                on_step(reports[-1][1])
        names = ("total_loss", "policy_loss", "value_loss", "gradient_norm")
        means = {
            name: sum(count * getattr(report, name) for count, report in reports) / done
            if done
            else math.nan
            for name in names
        }
        return {
            **means,
            "learning_rate": self.schedule.rate_at(max(0, self.step - 1)),
            "successful_steps": done,
            "training_time": self._clock() - started,
        }

    def averaged_state(self) -> dict[str, Tensor]:
        """State of the network with averaged weights; the newest weights without an average."""
        state = dict(self.model.state_dict())
        names = [name for name, _ in self.model.named_parameters()]
        state.update(zip(names, self._averages, strict=bool(self._averages)))
        return {name: tensor.detach().clone() for name, tensor in state.items()}

    def state_dict(self) -> dict[str, Any]:
        """All but the model's weights that later steps depend on."""
        device = self.sampler.device
        state: dict[str, Any] = {
            "step": self.step,
            "optimizer": self.optimizer.state_dict(),
            "averages": [tensor.clone() for tensor in self._averages],
            "sampler": self.sampler.state_dict(),
        }
        if self.model.description.dropout:
            state["torch_generator"] = torch.get_rng_state()
            if device.type == "cuda":
                state["device_generator"] = torch.cuda.get_rng_state(device)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken; the model's weights are loaded apart.

        Raises:
            CheckpointError: `state` is not such a state, or one of another network.
        """
        try:
            self._restore(state)
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
            kind = type(error).__name__
            raise CheckpointError(f"its training state is damaged ({kind}: {error})") from None

    def _restore(self, state: Mapping[str, Any]) -> None:
        """`load_state_dict`, raising whatever a damaged state leads to."""
        check_optimizer_state(state["optimizer"], self._parameters, "the checkpoint")
        averages = cast("list[Tensor]", state["averages"])
        if self._averages:
            if not averages:  # the run kept none so far
                averages = [parameter.detach() for parameter in self._parameters]
            for mine, saved in zip(self._averages, averages, strict=True):
                if mine.shape != saved.shape:
                    raise ValueError("the averaged weights are those of another network")
                mine.copy_(saved)
        self.step = int(state["step"])
        self.sampler.load_state_dict(state["sampler"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._unread.clear()
        if "torch_generator" in state:
            torch.set_rng_state(state["torch_generator"])
        if "device_generator" in state and self.sampler.device.type == "cuda":
            torch.cuda.set_rng_state(state["device_generator"], self.sampler.device)

    def _be_in_training(self) -> None:
        """Dropout on, if there is any."""
        if not self.model.training:
            self.model.train()

    def _try_step(self) -> bool:
        """One step if there is a batch; its losses wait to be read."""
        batch = self.sampler.sample_batch()
        if batch is None:
            return False
        total, policy, value = self._losses_of(batch)
        total.backward()  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        gradients = [parameter.grad for parameter in self._parameters]
        norm = total_norm([gradient for gradient in gradients if gradient is not None])
        self._apply(norm)
        self._unread += (total.detach(), policy.detach(), value.detach(), norm)
        self.step += 1
        return True

    def _losses_of(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Total, policy and value loss of a batch, in this step's number format."""
        with autocast(self.precision, self.sampler.device):
            logits, value = self.model.forward_with_logits(batch.state)
        return self.losses.combined_loss(logits, value, batch.policy, batch.outcome)

    def _apply(self, norm: Tensor) -> None:
        """The optimizer's step on the gradient of length `norm`, clipped.

        Fused optimizers divide the gradient by `grad_scale` while they read it: made for loss
        scaling, and just what clipping needs.
        """
        optimizer: Any = self.optimizer
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.rate_at(self.step)
        longest = self.gradient_clip_norm
        # Asking a processor how long it is costs nothing, and spares the optimizer a pass.
        if longest and (norm.device.type != "cpu" or norm.item() > longest):
            optimizer.grad_scale = (norm / longest).clamp_(min=1.0)
        optimizer.step()
        optimizer.grad_scale = None
        optimizer.zero_grad(set_to_none=True)
        if self._averages:
            self._update_averages(self._averages, self._parameters, 0)

    def _report(self, steps: int) -> StepReport:
        """Means over the last `steps` steps; the one place that waits for the device."""
        read = torch.stack(self._unread).view(steps, 4).mean(dim=0)
        self._unread.clear()
        total, policy, value, norm = cast("list[float]", read.tolist())  # pyright: ignore[reportUnknownMemberType]
        if not math.isfinite(total + policy + value + norm):
            raise DivergedError(
                f"the losses are no longer finite at step {self.step} (total {total}, policy "
                f"{policy}, value {value}, gradient {norm}): try a lower learning_rate"
            )
        rate = self.schedule.rate_at(max(0, self.step - 1))
        return StepReport(self.step, total, policy, value, norm, rate)
