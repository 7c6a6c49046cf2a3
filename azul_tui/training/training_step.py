"""From the buffer to the weights: batches, the learning rate, one optimizer step, and its time.

Shapes: B positions, F features, A actions, V values.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from azul_tui.config.setting import check_float, check_instance, check_int
from azul_tui.errors import CheckpointError, ConfigError, DivergedError
from azul_tui.game.constants import action_count, value_count
from azul_tui.game.state import GameState
from azul_tui.network.compute import (
    autocast,
    bare_training_step,
    choose_training,
    resolve_device,
    work_clock,
)
from azul_tui.network.losses import LossFunctions
from azul_tui.network.model import AzulNetwork, create_azul_network, tensor_of, total_norm
from azul_tui.training.checkpoint import check_optimizer_state
from azul_tui.training.replay import ReplayBuffer, ReplaySample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LearningRateSchedule:
    """A linear rise, then the peak, or a cosine down from it when an end is named."""

    peak: float = 1e-3
    warmup_steps: int = 0
    """Steps of linear rise, from peak / warmup_steps."""
    total_steps: int | None = None
    """Step at which the cosine arrives at 0 (Loshchilov and Hutter 2017); None: no cosine."""

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
        return self.peak * (0.5 * (1.0 + math.cos(math.pi * progress)))


# -- batches from a replay buffer, on the device that trains

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
        host = [tensor_of(array) for array in buffer.empty_sample(batches * batch_size)]
        self.uploaded: torch.cuda.Event | None = None
        if device.type == "cuda":
            host = [tensor.pin_memory() for tensor in host]
            self.uploaded = torch.cuda.Event()
        self.sample = ReplaySample(*(tensor.numpy() for tensor in host))
        self._host = _split(host, batch_size)
        self._on_device = self._host
        if device.type != "cpu":
            self._on_device = _split([tensor.to(device) for tensor in host], batch_size)

    def upload(self, number: int) -> Batch:
        """A batch on the device; on CUDA the copy is only queued."""
        batch = self._on_device[number]
        if batch is not self._host[number]:
            for source, target in zip(self._host[number], batch, strict=True):
                target.copy_(source, non_blocking=self.uploaded is not None)
        if self.uploaded is not None:
            self.uploaded.record()
        return batch


def _split(tensors: list[Tensor], batch_size: int) -> list[Batch]:
    """Views of one batch each."""
    starts = range(0, len(tensors[0]), batch_size)
    return [Batch(*(tensor[at : at + batch_size] for tensor in tensors)) for at in starts]


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
            ConfigError: A number is out of range, or the machine has no such device.
        """
        self.batch_size: int = check_int("batch_size", batch_size, 1)
        self.replay_buffer: ReplayBuffer = check_instance(
            "replay_buffer", replay_buffer, ReplayBuffer
        )
        least = 0 if min_size is None else check_int("min_size", min_size, 0)
        self.min_size: int = max(self.batch_size, least)
        self.device: torch.device = resolve_device(device) if isinstance(device, str) else device
        self._generator: np.random.Generator = np.random.default_rng(check_int("seed", seed, 0))
        self._group: int = max(1, POSITIONS_AT_ONCE // self.batch_size)
        # Two on CUDA: one is filled while the other is still being copied.
        slots = 2 if self.device.type == "cuda" else 1
        self._slots: list[_Slot] = [
            _Slot(replay_buffer, self._group, self.batch_size, self.device) for _ in range(slots)
        ]
        self._rows: npt.NDArray[np.int64] = np.zeros(0, np.int64)
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
            self._rows = buffer.draw_rows(self._group * self.batch_size, self._generator)
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

        The buffer may be filled later: it must then hold what it held. Rows of another batch size
        or capacity are drawn anew; a damaged state must not reach beyond the arrays.

        Raises:
            ValueError, TypeError, KeyError: `state` is not such a state.
        """
        rows = cast("Tensor", state["rows"]).numpy()
        fits = (
            (rows.dtype, rows.ndim, len(rows) % self.batch_size) == (np.int64, 1, 0)
            and len(rows) <= self._group * self.batch_size
            and bool(np.all((rows >= 0) & (rows < self.replay_buffer.capacity)))
        )
        self._generator.bit_generator.state = state["generator"]
        self._rows = rows.copy() if fits else np.zeros(0, np.int64)
        self._drawn_from = int(state["added"])
        self._gathered = 0


# -- a batch, the losses, their gradient, and one step of AdamW
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

        Raises:
            ConfigError: A number is out of range, or the optimizer is not fused.
        """
        check_instance("model", model, AzulNetwork)
        self.sampler: BatchSampler = check_instance("sampler", sampler, BatchSampler)
        self.gradient_clip_norm: float = check_float("gradient_clip_norm", gradient_clip_norm, 0.0)
        weight_decay = check_float("weight_decay", weight_decay, 0.0)
        self.ema_decay: float = check_float("ema_decay", ema_decay, 0.0, 0.999999)
        self.model: AzulNetwork = model.to(sampler.device)
        self.losses: LossFunctions = losses or LossFunctions()
        self.schedule: LearningRateSchedule = schedule or LearningRateSchedule()
        self.step: int = 0
        """Steps made in all, those before a resume included."""
        self._parameters: list[Tensor] = list(model.parameters())
        self.optimizer: torch.optim.Optimizer = optimizer or torch.optim.AdamW(
            model.parameters(), lr=self.schedule.peak, weight_decay=weight_decay, fused=True
        )
        if not self.optimizer.defaults.get("fused"):
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
            "Callable[[list[Tensor], list[Tensor], int], None]",
            get_ema_multi_avg_fn(self.ema_decay),
        )
        self._unread: list[Tensor] = []

    def single_training_step(self) -> dict[str, float] | None:
        """One step; `total_loss`, `policy_loss`, `value_loss`, or None while there is no batch.

        Raises:
            DivergedError: A loss or the gradient is not finite.
        """
        result = self.train_for_steps(1)
        if not result["successful_steps"]:
            return None
        return {name: result[name] for name in ("total_loss", "policy_loss", "value_loss")}

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
        started = time.perf_counter()
        self.model.train()
        reports: list[tuple[int, StepReport]] = []

        def look() -> None:
            reports.append(self._report())
            if on_step is not None:
                on_step(reports[-1][1])

        done = 0
        while done < steps and self._make_step():
            done += 1
            if on_step is not None and done % every == 0:
                look()
        if self._unread:
            look()
        names = ("total_loss", "policy_loss", "value_loss", "gradient_norm")
        sums = {name: sum(count * getattr(seen, name) for count, seen in reports) for name in names}
        return {
            **{name: total / done if done else math.nan for name, total in sums.items()},
            "learning_rate": self.schedule.rate_at(max(0, self.step - 1)),
            "successful_steps": done,
            "training_time": time.perf_counter() - started,
        }

    def averaged_state(self) -> dict[str, Tensor]:
        """State of the network with averaged weights; the newest weights without an average."""
        state = dict(self.model.state_dict())
        if self._averages:
            names = (name for name, _ in self.model.named_parameters())
            state.update(zip(names, self._averages, strict=True))
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
            # Without any the run kept none so far.
            for mine, saved in zip(self._averages, averages or self._parameters, strict=True):
                if mine.shape != saved.shape:
                    raise ValueError("the averaged weights are those of another network")
                mine.copy_(saved.detach())
        self.step = int(state["step"])
        self.sampler.load_state_dict(state["sampler"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._unread.clear()
        if "torch_generator" in state:
            torch.set_rng_state(state["torch_generator"])
        if "device_generator" in state and self.sampler.device.type == "cuda":
            torch.cuda.set_rng_state(state["device_generator"], self.sampler.device)

    def _make_step(self) -> bool:
        """One step if there is a batch; its losses wait to be read.

        Fused optimizers divide the gradient by `grad_scale` while they read it: made for loss
        scaling, and just what clipping needs.
        """
        batch = self.sampler.sample_batch()
        if batch is None:
            return False
        with autocast(self.precision, self.sampler.device):
            logits, value = self.model.forward_with_logits(batch.state)
        losses = self.losses.combined_loss(logits, value, batch.policy, batch.outcome)
        losses[0].backward()  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        gradients = [parameter.grad for parameter in self._parameters]
        norm = total_norm([gradient for gradient in gradients if gradient is not None])
        optimizer: Any = self.optimizer
        for group in optimizer.param_groups:
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
        self._unread += (*(loss.detach() for loss in losses), norm)
        self.step += 1
        return True

    def _report(self) -> tuple[int, StepReport]:
        """The steps since the last report, and means over them; here the device is waited for."""
        steps = len(self._unread) // 4
        read = torch.stack(self._unread).view(steps, 4).mean(dim=0)
        self._unread.clear()
        total, policy, value, norm = cast("list[float]", read.tolist())  # pyright: ignore[reportUnknownMemberType]
        if not math.isfinite(total + policy + value + norm):
            raise DivergedError(
                f"the losses are no longer finite at step {self.step} (total {total}, policy "
                f"{policy}, value {value}, gradient {norm}): try a lower learning_rate"
            )
        rate = self.schedule.rate_at(max(0, self.step - 1))
        return steps, StepReport(self.step, total, policy, value, norm, rate)


# -- how long a step takes, next to the least it could take
#
# The least is a *bare* step: forward, losses, backward and the fused optimizer on one batch that
# never changes, with nothing drawn, clipped, summed or averaged. All run in turns in one process,
# so that a busy machine slows them alike.

_POSITIONS: Final = 2048
"""In the buffer, and trained on between two looks at the clock."""


class StepTiming(TypedDict):
    """Medians over the repetitions, in milliseconds a step, and the median of their ratios."""

    step_ms: float
    bare_ms: float
    ratio: float


def random_samples(
    players: int, count: int, seed: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16], npt.NDArray[np.float32]]:
    """`(states (N, S), policies (N, A), outcomes (N, V))` from random games.

    Positions are real and in canonical factory order; policies are random over their legal
    moves and outcomes are random, which costs a step as much time as true ones.
    """
    generator = np.random.default_rng(seed)
    states: list[npt.NDArray[np.int8]] = []
    policies = np.zeros((count, action_count(players)), np.float16)
    game, games = GameState.new(players, seed), 0
    while len(states) < count:
        if game.is_over:
            games += 1
            game = GameState.new(players, seed + games)
        position, _ = game.canonical()
        legal = position.legal_actions(distinct=True)
        policies[len(states), legal] = generator.dirichlet(np.full(len(legal), 0.3))
        states.append(position.array.copy())
        game.apply(int(generator.choice(game.legal_actions())))
    outcomes = generator.uniform(-1.0, 1.0, (count, value_count(players)))
    return np.stack(states), policies, outcomes.astype(np.float32)


def measure_training_steps(
    preset: str, batch_size: int, repetitions: int, precisions: Sequence[str]
) -> dict[str, StepTiming]:
    """Time `TrainingStep` and the bare step on the processor in each number format, all in turns.

    Args:
        preset: Size of the network, for two players.
        batch_size: Positions in a step.
        repetitions: Blocks of steps timed of each kind.
        precisions: Number formats.

    Raises:
        ConfigError: No such preset or precision.
    """
    buffer = ReplayBuffer(max(_POSITIONS, batch_size))
    samples = random_samples(2, _POSITIONS, seed=1)
    while len(buffer) < buffer.capacity:
        buffer.add(*samples)
    place = torch.device("cpu")
    clock = work_clock(torch.get_num_threads(), place)
    steps = max(1, _POSITIONS // batch_size)

    def milliseconds(call: Callable[[], object], calls: int) -> float:
        """A step's share of so many calls that make a block of steps together."""
        started = clock()
        for _ in range(calls):
            call()
        return 1000.0 * (clock() - started) / steps

    made: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {}
    for precision in precisions:
        sampler = BatchSampler(buffer, batch_size, place)
        training = TrainingStep(create_azul_network(preset), sampler, precision=precision)
        bare_step = bare_training_step(training.model, batch_size, place, precision)
        made[precision] = partial(training.train_for_steps, steps), bare_step
    pairs: dict[str, list[tuple[float, float]]] = {precision: [] for precision in precisions}
    for _ in range(1 + repetitions):
        for precision, (block, bare_step) in made.items():
            pairs[precision].append((milliseconds(block, 1), milliseconds(bare_step, steps)))
    return {
        precision: StepTiming(
            step_ms=statistics.median(step for step, _ in timed[1:]),  # the first one warmed up
            bare_ms=statistics.median(bare for _, bare in timed[1:]),
            ratio=statistics.median(step / bare for step, bare in timed[1:]),
        )
        for precision, timed in pairs.items()
    }
