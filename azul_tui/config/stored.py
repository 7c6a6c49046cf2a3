"""Settings that a file of a run holds, written by this version or by an older or newer one.

What a person writes is checked word for word (`resolve`): a slip of the pen must not pass. What
the program wrote itself was right when it was written, so a run outlives the versions: a setting
that this version does not know is left out, one that it lacks has its default, and so has one
whose value it does not take, unless games or weights would be others for it. All of that is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from azul_tui.config.files import read_toml, shown_path
from azul_tui.config.setting import shown
from azul_tui.config.training import (
    TrainingConfig,
    create_training_config,
    setting_names,
    training_settings,
)
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

PLAYED_WITH: Final = (
    "search",
    "max_considered_actions",
    "c_visit",
    "eval_c_scale",
    "c_puct",
    "dirichlet_alpha",
    "dirichlet_fraction",
    "chance",
    "inference_precision",
)
"""Settings that decide how a network plays; a checkpoint keeps them apart from training's."""
WEIGHTS: Final = ("num_players", "network_config")
"""Settings that decide the shapes of a network's weights."""
_RETIRED: Final = {
    "margin_loss_weight": 0.0,
    "buffer_growth_iterations": 0,
    "mcts_simulations_start": 0,
    "mcts_simulations_growth_iterations": 100,
}
"""Settings of earlier versions, with the value at which they did nothing: not worth a word."""
_MOST_NAMED: Final = 8


def stored_config(
    values: Mapping[str, object], *, place: str, needed: Collection[str] = ()
) -> tuple[TrainingConfig, tuple[str, ...]]:
    """A `TrainingConfig` from stored values, and what a person should know of them, a line each.

    Args:
        values: By name, whatever a file had; what is missing has its default.
        place: The file, which begins every message.
        needed: Settings whose value is refused rather than replaced by the default.

    Raises:
        ConfigError: This version does not take the value of a needed setting.
    """
    notes: list[str] = []
    unknown = [
        str(name)
        for name, value in values.items()
        if name not in setting_names() and (name not in _RETIRED or value != _RETIRED[name])
    ]
    if unknown:
        named = ", ".join(shown(name)[1:-1] for name in unknown[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        it = "it" if len(unknown) == 1 else "them"
        notes.append(f"{place}: this version does not know {named}{more}, and leaves {it} out")
    config = TrainingConfig()
    known: dict[str, Any] = {}
    for spec in training_settings():
        if spec.name not in values:
            continue
        try:
            known[spec.name] = spec.check(values[spec.name], place=place)
        except ConfigError as error:
            said = " ".join(str(error).split())  # a tensor is shown in many lines
            if spec.name in needed:
                raise ConfigError(said) from None
            notes.append(f"{said}; the default, {shown(spec.default)}, takes its place")
    # The default of what is missing goes with what is there.
    most = known.get("buffer_capacity", config.buffer_capacity)
    known.setdefault("min_buffer_size", min(config.min_buffer_size, most))
    known.setdefault("buffer_capacity", max(config.buffer_capacity, known["min_buffer_size"]))
    try:
        return create_training_config(**known), tuple(notes)
    except ConfigError as error:  # two that went together when they were written
        notes.append(f"{place}: {error}; the defaults take their place")
        apart = [name for name in known if name in str(error)]
    rest = {name: value for name, value in known.items() if name not in apart}
    return create_training_config(**rest), tuple(notes)


def load_stored_config(path: Path) -> tuple[TrainingConfig, tuple[str, ...]]:
    """`stored_config` of a run's `config.toml`, where the shapes of the weights are needed.

    Raises:
        ConfigError: The file cannot be read or is no TOML, or a needed setting is refused.
    """
    needed = (*WEIGHTS, *PLAYED_WITH)
    return stored_config(read_toml(path), place=shown_path(path), needed=needed)
