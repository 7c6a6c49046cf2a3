"""TrainingStep: a batch, the losses, their gradient, and one step of AdamW.

Nothing in a step waits for the device: the gradient is clipped inside the optimizer's kernel,
losses stay where they are computed, and numbers reach Python when somebody asks. A gradient
or a loss that is not finite raises DivergedError at the next look.
"""

from __future__ import annotations

import dataclasses
import math
import time
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from azul_tui.config.setting import check_float, check_instance, check_int
from azul_tui.errors import CheckpointError, ConfigError, DivergedError
from azul_tui.network.azul_network import AzulNetwork
from azul_tui.network.compute import autocast, choose_training
from azul_tui.network.losses import LossFunctions
from azul_tui.network.tensors import total_norm
from azul_tui.training.batch_sampler import Batch, BatchSampler
from azul_tui.training.checkpoint_file import check_optimizer_state
from azul_tui.training.schedule import LearningRateSchedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
