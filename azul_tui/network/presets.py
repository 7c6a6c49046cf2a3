"""Sizes of networks by name, and the description that a checkpoint carries.

Pure Python: what a network consists of can be read and checked without building it, so that a
file from a stranger is refused before anything is allocated.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, cast

from azul_tui.config.setting import check_float, check_instance, shown
from azul_tui.errors import ConfigError
from azul_tui.game.constants import action_count, check_players, observation_size, value_count

NETWORK_PRESETS: Final[Mapping[str, tuple[int, ...]]] = {
    "small": (256, 256),
    "medium": (512, 512, 256),
    "large": (1024, 512, 512, 256),
    "deep": (512, 512, 512, 256, 256),
}
"""Width of each layer of the trunk, by name."""

_LARGEST_WIDTH: Final = 4096
_MOST_LAYERS: Final = 16


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class NetworkDescription:
    """Everything that decides the shapes of a network's weights."""

    preset: str
    players: int
    widths: tuple[int, ...]
    """Width of each layer of the trunk; a layer as wide as the one before it is residual."""
    policy_width: int = 128
    """Hidden units of the policy head."""
    value_widths: tuple[int, int] = (128, 64)
    """Hidden units of the value head."""
    dropout: float = 0.0
    """Share of units dropped before each trunk layer while training."""

    def __post_init__(self) -> None:
        """Refuse sizes that no network of this program has."""
        object.__setattr__(self, "players", check_players(self.players))
        object.__setattr__(self, "dropout", check_float("dropout", self.dropout))
        if not 1 <= len(self.widths) <= _MOST_LAYERS:
            raise ConfigError(f"a network has 1 to {_MOST_LAYERS} layers, got {len(self.widths)}")
        for width in (*self.widths, self.policy_width, *self.value_widths):
            if not 1 <= width <= _LARGEST_WIDTH:
                raise ConfigError(f"a layer is 1 to {_LARGEST_WIDTH} units wide, got {width}")
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
        return {
            "preset": self.preset,
            "players": self.players,
            "widths": list(self.widths),
            "policy_width": self.policy_width,
            "value_widths": list(self.value_widths),
            "dropout": self.dropout,
        }

    @classmethod
    def from_dict(cls, fields: object) -> NetworkDescription:
        """Read what `as_dict` wrote. Raises ConfigError or GameError for anything else."""
        if not isinstance(fields, Mapping):
            raise ConfigError("a network is described by a table of its sizes")
        table = cast("Mapping[object, object]", fields)
        first, second = (*_sizes(table, "value_widths"), 0, 0)[:2]
        dropout = table.get("dropout")
        preset = table.get("preset")
        if not isinstance(dropout, int | float) or not isinstance(preset, str):
            raise ConfigError("a network's description needs a preset name and a dropout")
        if table.get("source_width") or table.get("margin"):
            raise ConfigError(
                "this version has neither the network `sets` nor a margin output; the version that "
                "trained it can export and play it"
            )
        return cls(
            preset=preset[:100],
            players=_size(table, "players"),
            widths=_sizes(table, "widths"),
            policy_width=_size(table, "policy_width"),
            value_widths=(first, second),
            dropout=float(dropout),
        )


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


def _size(table: Mapping[object, object], key: str) -> int:
    """An integer of a description; bool is not one."""
    value = table.get(key)
    if type(value) is not int:
        raise ConfigError(f"a network's description needs an integer {key}")
    return value


def _sizes(table: Mapping[object, object], key: str) -> tuple[int, ...]:
    """A short list of integers of a description."""
    value = table.get(key)
    if not isinstance(value, list | tuple):
        raise ConfigError(f"a network's description needs a list {key}")
    sizes = cast("list[object] | tuple[object, ...]", value)[: _MOST_LAYERS + 1]
    numbers = tuple(size for size in sizes if type(size) is int)
    if len(numbers) != len(sizes):
        raise ConfigError(f"a network's description needs integers in {key}")
    return numbers
