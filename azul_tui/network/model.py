"""The network: from an observation to a policy and a value, in four sizes."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import msgspec
import torch
import torch.nn.functional as F
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from azul_tui.config.setting import check_float, check_instance, shown
from azul_tui.errors import ConfigError
from azul_tui.game.constants import (
    COLOR_COUNT,
    LINE_COUNT,
    ROW_COUNT,
    action_count,
    check_players,
    observation_size,
    source_count,
    value_count,
)
from azul_tui.game.observation import legal_fields, observation_scales

if TYPE_CHECKING:
    import numpy.typing as npt


# -- sizes of networks by name, and the description that a checkpoint carries
#
# What a network consists of can be read and checked without building it, so that a file from a
# stranger is refused before anything is allocated.

NETWORK_PRESETS: Final[Mapping[str, tuple[int, ...]]] = {
    "small": (256, 256),
    "medium": (512, 512, 256),
    "large": (1024, 512, 512, 256),
    "deep": (512, 512, 512, 256, 256),
}
"""Width of each layer of the trunk, by name."""

_Width = Annotated[int, Meta(ge=1, le=4096)]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NetworkDescription:
    """Everything that decides the shapes of a network's weights."""

    preset: Annotated[str, Meta(max_length=100)]
    players: int
    widths: Annotated[tuple[_Width, ...], Meta(min_length=1, max_length=16)]
    """Width of each layer of the trunk; a layer as wide as the one before it is residual."""
    policy_width: _Width = 128
    """Hidden units of the policy head."""
    value_widths: tuple[_Width, _Width] = (128, 64)
    """Hidden units of the value head."""
    dropout: float = 0.0
    """Share of units dropped before each trunk layer while training."""

    def __post_init__(self) -> None:
        """Refuse numbers that no network of this program has."""
        object.__setattr__(self, "players", check_players(self.players))
        object.__setattr__(self, "dropout", check_float("dropout", self.dropout))
        if not 0.0 <= self.dropout < 1.0:
            raise ConfigError(f"dropout must be at least 0 and below 1, got {self.dropout}")

    @property
    def observation_size(self) -> int:
        """F: features of an observation."""
        return observation_size(self.players)

    @property
    def action_count(self) -> int:
        """A: actions, legal or not."""
        return action_count(self.players)

    @property
    def value_count(self) -> int:
        """V: 1 for two players, else one value a seat."""
        return value_count(self.players)

    @property
    def shapes(self) -> tuple[object, ...]:
        """What two networks must share so that the weights of one fit the other."""
        return (self.players, self.widths, self.policy_width, self.value_widths)

    @property
    def summary(self) -> str:
        """In words, for messages."""
        return f"{self.preset} for {self.players} players {self.widths}"

    def as_dict(self) -> dict[str, object]:
        """Plain types only, for a checkpoint; `from_dict` reads it back."""
        fields = dataclasses.asdict(self)
        return {**fields, "widths": list(self.widths), "value_widths": list(self.value_widths)}

    @classmethod
    def from_dict(cls, fields: object) -> NetworkDescription:
        """Read what `as_dict` wrote. Raises ConfigError or GameError for anything else."""
        if not isinstance(fields, Mapping):
            raise ConfigError("a network is described by a table of its sizes")
        table = cast("Mapping[str, Any]", fields)
        if table.get("source_width") or table.get("margin"):
            raise ConfigError(
                "this version has neither the network `sets` nor a margin output; the version that "
                "trained it can export and play it"
            )
        try:
            return msgspec.convert(dict(table), cls)
        except msgspec.ValidationError as error:
            raise ConfigError(f"a network's description does not fit: {error}") from None


def describe_network(preset: str, players: int = 2, dropout: float = 0.0) -> NetworkDescription:
    """The description of a preset. Raises ConfigError for an unknown one, naming the known."""
    if check_instance("network_config", preset, str) not in NETWORK_PRESETS:
        known = ", ".join(NETWORK_PRESETS)
        raise ConfigError(f"network_config must be one of {known}, got {shown(preset)}")
    return NetworkDescription(
        preset=str.__str__(preset),
        players=players,
        widths=NETWORK_PRESETS[preset],
        dropout=dropout,
    )


# -- raw observations in, policy logits and values out
#
# Shapes: B positions, F features, A actions = Q sources x 5 colours x 6 lines, V values.
#
#     h = W0 (scales * x)                         the first layer
#     h = [h +] W N(h)                            each further one; `h +` where the widths match
#     policy = P1 relu(P0 N(h)), masked           A logits
#     value = tanh(V2 relu(V1 relu(V0 N(h))))     V values
#
# with N(h) = relu(h) / rms(relu(h)), in rows: a pre-activation residual network (He et al. 2016)
# with RMSNorm (Zhang and Sennrich 2019) as the only normalisation. N has no gains (the matrix
# behind it can hold them) and no batch statistics: a row's result knows nothing of other rows.

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
    squares = cast("Tensor", torch.linalg.vecdot(active, active))  # pyright: ignore[reportUnknownMemberType]
    mean_square = squares.unsqueeze(1) * (1.0 / active.shape[1])
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
        # He's variance for what follows a relu; outputs start small; biases at 0.
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.policy_output.weight.mul_(_OUTPUT_GAIN)
            self.value_output.weight.mul_(_OUTPUT_GAIN)

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


def build_network(description: NetworkDescription) -> AzulNetwork:
    """The described network with random weights (torch's global generator)."""
    return AzulNetwork(description)


def create_azul_network(
    preset: str = "medium", players: int = 2, dropout: float = 0.0
) -> AzulNetwork:
    """A network of a named size with random weights (torch's global generator).

    Args:
        preset: "small", "medium", "large" or "deep".
        players: P.
        dropout: Share of units dropped before each trunk layer while training.

    Raises:
        ConfigError: No such preset, or a dropout outside [0, 1).
        GameError: `players` is not 2, 3 or 4.
    """
    return AzulNetwork(describe_network(preset, players, dropout))


def tensor_of(array: npt.NDArray[Any]) -> Tensor:
    """A tensor on the same memory as `array`."""
    return torch.from_numpy(array)  # pyright: ignore[reportUnknownMemberType]


def total_norm(tensors: list[Tensor]) -> Tensor:
    """Euclidean length of all numbers of all tensors together, a scalar on their device."""
    if tensors[0].device.type == "cuda":
        return get_total_norm(tensors)
    # The same with less around it, which counts between the small products of a processor.
    norms = [cast("Tensor", torch.linalg.vector_norm(tensor)) for tensor in tensors]  # pyright: ignore[reportUnknownMemberType]
    return cast("Tensor", torch.linalg.vector_norm(torch.stack(norms)))  # pyright: ignore[reportUnknownMemberType]
