"""AzulNetwork: raw observations in, policy logits and values out.

Shapes: B positions, F features, A actions = Q sources x 5 colours x 6 lines, V values.

    h = W0 (scales * x)                         the first layer
    h = [h +] W N(h)                            each further one; `h +` where the widths match
    policy = P1 relu(P0 N(h)), masked           A logits
    value = tanh(V2 relu(V1 relu(V0 N(h))))     V values

with N(h) = relu(h) / rms(relu(h)), in rows: a pre-activation residual network (He et al. 2016)
with RMSNorm (Zhang and Sennrich 2019) as the only normalisation. N has no gains (the matrix
behind it can hold them) and no batch statistics: a row's result knows nothing of other rows.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from azul_tui.game.constants import COLOR_COUNT, LINE_COUNT, ROW_COUNT, source_count
from azul_tui.game.observation import legal_fields, observation_scales
from azul_tui.network.tensors import row_dot, tensor_of

if TYPE_CHECKING:
    from azul_tui.network.presets import NetworkDescription

ILLEGAL_LOGIT: Final = -1e4
"""Logit of an illegal action: no probability in float32, and still finite."""
NORM_EPSILON: Final = 1e-6
_OUTPUT_GAIN: Final = 0.1
"""Scale of the last layers at the start: nearly uniform policies and values near 0."""


def normalised(hidden: Tensor) -> Tensor:
    """N(h) = relu(h) / rms(relu(h)) for each row of `(B, W)`.

    The sum of squares as a dot product of the row with itself: autograd then keeps one copy of
    the row, and a step takes 10 to 35% less than with `F.rms_norm` (torch 2.13, bfloat16).
    """
    active = F.relu(hidden)
    mean_square = row_dot(active, active).unsqueeze(1) * (1.0 / active.shape[1])
    return active * torch.rsqrt(mean_square + NORM_EPSILON)


class AzulNetwork(nn.Module):
    """A residual perceptron with a policy and a value head."""

    observation_scales: Tensor

    def __init__(self, description: NetworkDescription) -> None:
        """Build the network with random weights (torch's global generator)."""
        super().__init__()
        self.description: NetworkDescription = description
        widths = description.widths
        first_value, second_value = description.value_widths
        self.first_layer: nn.Linear = nn.Linear(description.observation_size, widths[0])
        self.trunk_layers: nn.ModuleList = nn.ModuleList(
            nn.Linear(before, after) for before, after in itertools.pairwise(widths)
        )
        self.policy_hidden: nn.Linear = nn.Linear(widths[-1], description.policy_width)
        self.policy_output: nn.Linear = nn.Linear(
            description.policy_width, description.action_count
        )
        self.value_hidden: nn.Linear = nn.Linear(widths[-1], first_value)
        self.value_hidden_2: nn.Linear = nn.Linear(first_value, second_value)
        self.value_output: nn.Linear = nn.Linear(second_value, description.value_count)
        # Saved with the weights: a checkpoint of another observation is then recognised.
        self.register_buffer(
            "observation_scales", tensor_of(observation_scales(description.players))
        )
        self._initialise()

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """`(policy (B, A), value (B, V))`: probabilities, 0 where illegal, and values."""
        logits, value = self.forward_with_logits(states)
        return torch.softmax(logits, dim=1), value

    def forward_with_logits(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """`(logits (B, A), value (B, V))`, float32, illegal logits at `ILLEGAL_LOGIT`.

        Args:
            states: `(B, F)` raw integer observations, int8 or any float type.
        """
        logits, value = self.unmasked_logits(states)
        return logits.masked_fill(~self.legal_actions(states), ILLEGAL_LOGIT), value

    def unmasked_logits(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """`forward_with_logits` without the mask, for callers that read legal logits only."""
        hidden = self.first_layer(states.float() * self.observation_scales)
        dropout = self.description.dropout if self.training else 0.0
        for layer in self.trunk_layers:
            branch = layer(F.dropout(normalised(hidden), dropout))
            hidden = hidden + branch if branch.shape == hidden.shape else branch
        features = normalised(hidden)
        logits = self.policy_output(F.relu(self.policy_hidden(features)))
        hidden = F.relu(self.value_hidden_2(F.relu(self.value_hidden(features))))
        return logits.float(), torch.tanh(self.value_output(hidden).float())

    def legal_actions(self, states: Tensor) -> Tensor:
        """`(B, A)` bool: the source has the colour and the line takes it; floors always do."""
        fields = legal_fields(self.description.players)
        batch = states.shape[0]
        sources = source_count(self.description.players)
        has = states[:, fields.has].reshape(batch, sources, COLOR_COUNT, 1) > 0
        accepts = states[:, fields.accepts].reshape(batch, 1, COLOR_COUNT, LINE_COUNT) > 0
        legal = has.expand(batch, sources, COLOR_COUNT, ROW_COUNT).clone()
        legal[..., :LINE_COUNT] &= accepts
        return legal.reshape(batch, -1)

    @property
    def parameter_count(self) -> int:
        """Trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _initialise(self) -> None:
        """He's variance for what follows a relu; outputs start small; biases at 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.policy_output.weight.mul_(_OUTPUT_GAIN)
            self.value_output.weight.mul_(_OUTPUT_GAIN)
