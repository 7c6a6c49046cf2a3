"""What a network is trained to make small. Shapes: B positions, A actions, V values."""

from __future__ import annotations

import dataclasses

import torch.nn.functional as F
from torch import Tensor

from azul_tui.config.setting import check_float
from azul_tui.errors import ConfigError


def policy_cross_entropy_loss(
    predicted_logits: Tensor, target_policy: Tensor, temperature: float = 1.0
) -> Tensor:
    """Cross-entropy, in nats, of the network's policy under the search's; a scalar.

    It differs from the KL divergence by the target's entropy, which no weight changes. A target
    row of zeros has no policy to learn (an afterstate) and the mean is over the other rows; with
    none it is 0. Illegal actions need a finite low logit: 0 * -inf would make the loss NaN.

    Args:
        predicted_logits: `(B, A)`, raw.
        target_policy: `(B, A)`, each row a distribution or all zeros.
        temperature: Divides the logits before the log-softmax.

    Raises:
        ValueError: The shapes differ.
    """
    if predicted_logits.shape != target_policy.shape or predicted_logits.dim() != 2:
        shapes = f"{tuple(predicted_logits.shape)} and {tuple(target_policy.shape)}"
        raise ValueError(f"logits and target policy must both be (B, A), got {shapes}")
    log_policy = F.log_softmax(predicted_logits.float() / temperature, dim=1)
    rows_with_policy = (target_policy.sum(dim=1) > 0).sum().clamp(min=1)
    return -(target_policy * log_policy).sum(dim=1).sum() / rows_with_policy


def value_mse_loss(predicted_value: Tensor, target_value: Tensor) -> Tensor:
    """Mean squared error of the value, a scalar.

    `(B,)` counts as `(B, 1)`. Anything else that does not match is refused: `(B, 1)` against
    `(B,)` would broadcast to `(B, B)` and train every value towards the mean outcome.

    Args:
        predicted_value: `(B, V)`, in [-1, 1] seen by the player to move.
        target_value: `(B, V)`, the outcomes.

    Raises:
        ValueError: The shapes differ.
    """
    predicted = predicted_value.unsqueeze(1) if predicted_value.dim() == 1 else predicted_value
    target = target_value.unsqueeze(1) if target_value.dim() == 1 else target_value
    if predicted.shape != target.shape:
        shapes = f"{tuple(predicted_value.shape)} and {tuple(target_value.shape)}"
        raise ValueError(f"values and outcomes must have one shape (B, V), got {shapes}")
    return (predicted.float() - target.float()).square().mean()


@dataclasses.dataclass(frozen=True, slots=True)
class LossFunctions:
    """The losses, their weights, and the temperature of the policy's."""

    policy_weight: float = 1.0
    value_weight: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse weights and temperatures that make no loss."""
        for name in ("policy_weight", "value_weight", "temperature"):
            object.__setattr__(self, name, check_float(name, getattr(self, name), 0.0))
        if self.temperature == 0.0:
            raise ConfigError("temperature must be above 0, got 0")

    def policy_cross_entropy_loss(self, predicted_logits: Tensor, target_policy: Tensor) -> Tensor:
        """`policy_cross_entropy_loss` at this temperature."""
        return policy_cross_entropy_loss(predicted_logits, target_policy, self.temperature)

    def value_mse_loss(self, predicted_value: Tensor, target_value: Tensor) -> Tensor:
        """`value_mse_loss`."""
        return value_mse_loss(predicted_value, target_value)

    def combined_loss(
        self,
        predicted_logits: Tensor,
        predicted_value: Tensor,
        target_policy: Tensor,
        target_value: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`(total, policy, value)`: the weighted sum, then each part without its weight."""
        policy = self.policy_cross_entropy_loss(predicted_logits, target_policy)
        value = self.value_mse_loss(predicted_value, target_value)
        return self.policy_weight * policy + self.value_weight * value, policy, value
