"""Settings that several jobs take, apart from those of training."""

from __future__ import annotations

from azul_tui.config import SettingSpec, training_settings


def whole(name: str, default: int, help_: str, low: int, high: int) -> SettingSpec:
    """A whole number from `low` to `high`."""
    return SettingSpec(
        name=name, kind="int", default=default, help=help_, minimum=low, maximum=high
    )


_TRAINING = {spec.name: spec for spec in training_settings()}
SEED = whole("seed", 0, "Where every random stream starts from.", 0, 2**32 - 1)
DEVICE = _TRAINING["device"]
NETWORK = SettingSpec(
    name="network_config",
    kind="choice",
    default="small",
    help="Size of the network.",
    choices=_TRAINING["network_config"].choices,
)
PLAYERS = _TRAINING["num_players"]
SIMULATIONS = whole("simulations", 32, "Simulations a move; 0 plays the bare policy.", 0, 100_000)
CHECKPOINT = SettingSpec(
    name="checkpoint",
    kind="path",
    default="",
    help="Checkpoint file or run to use; empty takes the best of the newest run.",
)
