"""Settings: `TrainingConfig`, TOML, and which place has the last word.

A setting is one field of `TrainingConfig` with its default, range and help, the group under which
it is shown (named where a group begins) and what follows from changing it; files, the environment,
`--set`, forms and docs/settings.md follow from that.
"""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from azul_tui.config.setting import SettingSpec, SettingValue, nearest, shown, unknown_name
from azul_tui.config.setting import check_float as check_float
from azul_tui.config.setting import check_instance as check_instance
from azul_tui.config.setting import check_int as check_int
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from azul_tui.config.setting import SettingKind

Value = TypeVar("Value", bound=SettingValue)


def _setting(
    default: Value,
    takes: tuple[float, float] | tuple[str, ...],
    help: str,  # noqa: A002 - the word that forms and tables use for it
    *,
    group: str = "",
    first: bool = False,
    live: bool = False,
    exact: bool = False,
) -> Value:
    """Declare a field of `TrainingConfig`, which has the type of its default; see `SettingSpec`.

    Args:
        default: Its value where nobody names one.
        takes: The least and the most of a number, or the words to choose from.
        help: One sentence.
        group: The heading that begins with it.
        first: See `SettingSpec`.
        live: See `SettingSpec`.
        exact: It may change on resume without ending in other weights.
    """
    kinds: dict[type, SettingKind] = {bool: "bool", int: "int", float: "float", tuple: "list"}
    kind = kinds.get(type(default), "choice")
    numeric = kind in {"int", "float"}
    low, high = takes if numeric else (None, None)
    described = {"kind": kind, "help": help, "minimum": low, "maximum": high, "group": group}
    described |= {"choices": () if numeric else takes, "first": first, "live": live}
    # dataclasses.field is typed as its default, and so is this.
    return dataclasses.field(default=default, metadata={**described, "breaks_exactness": not exact})


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """Everything that decides a run's numbers. The defaults train on a laptop.

    Raises:
        ConfigError: A value has the wrong type or is out of range, or two do not go together.
    """

    # fmt: off
    num_players: int = _setting(2, (2, 4), "Players at the table.", group="self-play", first=True)
    self_play_games_per_iteration: int = _setting(256, (1, 1_000_000), "Games played in one "
        "iteration.", first=True, live=True)
    parallel_games: int = _setting(64, (1, 65_536), "Games that a worker plays in lockstep, the "
        "batch that the network sees.")
    self_play_workers: int = _setting(0, (0, 1024), "Processes that play, at most 16 or with a GPU "
        "8; 0 takes one for each core that memory has room for.", exact=True)
    temperature: float = _setting(1.0, (0, 10), "Temperature of the moves drawn early in a game; "
        "with Gumbel, scale of the noise at every root.")
    temperature_threshold: int = _setting(20, (0, 1000), "Moves of a game that are drawn; after "
        "them the best of the search is played, its noise included.")

    search: str = _setting("gumbel", ("gumbel", "puct"), "Choice of root moves: Gumbel with "
        "sequential halving, or PUCT with noise.", group="search")
    mcts_simulations: int = _setting(32, (1, 100_000), "Simulations of a full search.", first=True,
        live=True)
    full_search_fraction: float = _setting(1.0, (0.01, 1), "Share of moves with a full search; the "
        "others teach only the value.")
    fast_simulations: int = _setting(8, (1, 100_000), "Simulations of the other searches.")
    max_considered_actions: int = _setting(16, (1, 300), "Root actions that a Gumbel search starts "
        "from.")
    c_scale: float = _setting(0.2, (0, 1000), "Gumbel: weight of the values against the priors.")
    c_puct: float = _setting(1.5, (0, 100), "PUCT: weight of the priors against the values.")
    dirichlet_alpha: float = _setting(0.3, (0.001, 100), "PUCT: concentration of the noise at the "
        "root.")
    dirichlet_fraction: float = _setting(0.25, (0, 1), "PUCT: share of the noise in the root "
        "priors.")
    chance: str = _setting("afterstate", ("afterstate", "sampled"), "What the end of a round is "
        "worth: the position before the refill, or one sampled refill.")

    network_config: str = _setting("medium", ("small", "medium", "large", "deep"),
        "Size of the network.", group="learning", first=True)
    dropout: float = _setting(0.0, (0, 0.9), "Share of activations dropped while training.")
    batch_size: int = _setting(512, (1, 1_048_576), "Positions in one training step.")
    training_steps_per_iteration: int = _setting(1000, (1, 10_000_000), "Training steps in one "
        "iteration.", first=True, live=True)
    learning_rate: float = _setting(0.001, (1e-09, 1), "Step size of the optimizer (AdamW).",
        first=True, live=True)
    learning_rate_schedule: str = _setting("constant", ("constant", "cosine"),
        "After the warm-up; cosine falls to nothing at the last iteration.")
    warmup_steps: int = _setting(100, (0, 10_000_000), "Steps over which the learning rate rises "
        "from 0.")
    weight_decay: float = _setting(0.0001, (0, 1), "Decoupled weight decay of the optimizer.")
    gradient_clip_norm: float = _setting(1.0, (0, 1_000_000), "Largest norm of a gradient; 0 does "
        "not clip.")
    policy_loss_weight: float = _setting(1.0, (0, 1000), "Weight of the policy loss in the total.")
    value_loss_weight: float = _setting(1.0, (0, 1000), "Weight of the value loss in the total.")
    loss_temperature: float = _setting(1.0, (0.01, 100), "Temperature of the policy loss.")
    value_target_mix: float = _setting(0.0, (0, 1), "Share of the search's root value in the value "
        "target; 0 learns the outcome alone.")
    value_target_lambda: float = _setting(1.0, (0, 1), "TD(lambda) of the value target over the "
        "root values of a game; 1 learns the outcome alone.")
    afterstate_samples: int = _setting(0, (0, 1024), "Refills whose mean value is the target of a "
        "position between rounds; 0 learns the outcome.")
    ema_decay: float = _setting(0.0, (0, 0.999999), "Decay a step of the averaged weights that "
        "play; 0 plays with the newest.")
    buffer_capacity: int = _setting(500_000, (1, 1_000_000_000), "Positions that the replay buffer "
        "holds.")
    min_buffer_size: int = _setting(2048, (1, 1_000_000_000), "Positions in the buffer before "
        "training starts.")

    eval_frequency: int = _setting(5, (0, 1_000_000), "Iterations between evaluations; 0 never "
        "evaluates.", group="evaluation", live=True, exact=True)
    eval_games: int = _setting(100, (2, 1_000_000), "Games against each opponent in an evaluation.",
        live=True, exact=True)
    eval_simulations: int = _setting(32, (0, 100_000), "Simulations a move; 0 plays the bare "
        "policy.", live=True, exact=True)
    eval_c_scale: float = _setting(0.5, (0, 1000), "c_scale of a Gumbel search in evaluation, play "
        "and analysis.", exact=True)
    eval_opponents: tuple[str, ...] = _setting(("random", "greedy"), (), "Players to measure "
        "against, the last one for the score of a checkpoint.", exact=True)
    gate: str = _setting("sequential", ("off", "sequential"), "How weights become the best: by "
        "games against the best so far, or by score alone.", exact=True)
    gate_games: int = _setting(300, (2, 1_000_000), "Games of the gate at most, after which the "
        "score decides.", live=True, exact=True)

    save_frequency: int = _setting(5, (1, 1_000_000), "Iterations between checkpoints.",
        group="checkpoints", live=True, exact=True)
    keep_latest_checkpoints: int = _setting(5, (1, 1_000_000), "Checkpoints kept besides the best "
        "one.", live=True, exact=True)
    save_best_model: bool = _setting(True, (), "Keep the best evaluated weights as best_model.pt.",
        exact=True)
    trackers: tuple[str, ...] = _setting((), ("tensorboard", "wandb"), "Where the log's numbers go "
        "besides: tensorboard, and wandb, which stays offline unless WANDB_MODE=online; each is an "
        "extra of the installation.", exact=True)

    max_iterations: int = _setting(100, (1, 10_000_000), "Iterations after which training ends.",
        group="limits", first=True, live=True, exact=True)
    max_minutes: float = _setting(0.0, (0, 10_000_000), "Minutes after which training "
        "ends; 0 sets no limit.", first=True, live=True, exact=True)

    seed: int = _setting(0, (0, 2**32 - 1), "Where every random stream starts from.",
        group="machine")
    device: str = _setting("auto", ("auto", "cpu", "cuda", "mps"), "Where the network runs.")
    inference_precision: str = _setting("auto", ("auto", "float32", "bfloat16"),
        "Numbers of the network in self-play; auto is what timing finds faster.")
    training_precision: str = _setting("auto", ("auto", "float32", "bfloat16"),
        "Numbers of the network in training; auto is what timing finds faster.")
    log_every_steps: int = _setting(10, (1, 1_000_000), "Training steps that one step record sums "
        "up.", live=True, exact=True)
    # fmt: on

    def __post_init__(self) -> None:
        """Reject values that would only fail hours later."""
        for spec in training_settings():
            object.__setattr__(self, spec.name, spec.check(getattr(self, spec.name)))
        if self.min_buffer_size > self.buffer_capacity:
            raise ConfigError(
                f"min_buffer_size must be at most buffer_capacity ({self.buffer_capacity}), "
                f"got {self.min_buffer_size}"
            )
        if self.policy_loss_weight == 0.0 and self.value_loss_weight == 0.0:
            raise ConfigError(
                "policy_loss_weight and value_loss_weight are both 0, so nothing would be learned; "
                "set one of them above 0"
            )

    def to_dict(self) -> dict[str, Any]:
        """Every setting as plain values (tuples as lists), for checkpoints and records."""
        values = dataclasses.asdict(self)
        return {n: list(cast("Any", v)) if isinstance(v, tuple) else v for n, v in values.items()}

    def replace(self, **changes: object) -> TrainingConfig:
        """The same settings with some changed; raises ConfigError like `create_training_config`."""
        return create_training_config(**{**self.to_dict(), **changes})


def _described() -> dict[str, SettingSpec]:
    specs: dict[str, SettingSpec] = {}
    group = ""
    for field in dataclasses.fields(TrainingConfig):
        told: dict[str, Any] = dict(field.metadata)
        group = told["group"] = told["group"] or group
        specs[field.name] = SettingSpec(name=field.name, default=cast("Any", field.default), **told)
    return specs


_SPECS: Final = _described()
PLAYED_WITH: Final = (
    "search",
    "max_considered_actions",
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


def training_settings() -> tuple[SettingSpec, ...]:
    """What each field of `TrainingConfig` is called, means and takes, in order."""
    return tuple(_SPECS.values())


def setting_names() -> tuple[str, ...]:
    """The names of all training settings, in order."""
    return tuple(_SPECS)


def training_setting(name: str) -> SettingSpec:
    """The description of one training setting; raises ConfigError for an unknown name."""
    return _known(_SPECS, name, "")


def create_training_config(**settings: Any) -> TrainingConfig:
    """A `TrainingConfig` from keyword arguments; what is not named keeps its default.

    Raises:
        ConfigError: A key is unknown or a value is refused, in one sentence.
    """
    for name in settings:
        training_setting(name)
    return TrainingConfig(**settings)


def changed_settings(
    old: TrainingConfig, new: TrainingConfig
) -> dict[str, tuple[SettingValue, SettingValue]]:
    """`name -> (old value, new value)` of every setting that differs."""
    pairs = {name: (getattr(old, name), getattr(new, name)) for name in _SPECS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def exactness_broken_by(old: TrainingConfig, new: TrainingConfig) -> tuple[str, ...]:
    """Changed settings after which a resumed run no longer ends in the same weights.

    The last iteration is one of them while the learning rate follows a cosine, whose length it is.
    """
    changed = changed_settings(old, new)
    cosine = "cosine" in {old.learning_rate_schedule, new.learning_rate_schedule}
    return tuple(
        name
        for name in changed
        if _SPECS[name].breaks_exactness or (name == "max_iterations" and cosine)
    )


# -- settings as TOML: reading, writing, and the presets that come with the program
#
# A settings file is a flat list of `key = value`. Whatever is wrong with one (absent, not UTF-8,
# not TOML, an unknown key, a value out of range) is refused in one sentence.

_MOST_FILE_BYTES: Final = 1 << 20
_PACKAGE: Final = Path(__file__).resolve().parent.parent


def _presets() -> dict[str, Path]:
    """The presets by name: beside the code when installed, `configs/` in a checkout."""
    for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs"):
        if folder.is_dir():
            return {file.stem: file for file in sorted(folder.glob("*.toml"))}
    raise ConfigError(
        "the presets of azul-tui are missing from this installation; install it again"
    )


def preset_names() -> tuple[str, ...]:
    """The names of the presets, in alphabetical order."""
    return tuple(_presets())


def find_preset(name: str) -> Path:
    """The file of the preset called `name`; raises ConfigError when there is none."""
    presets = _presets()
    if name not in presets:
        raise ConfigError(f"unknown preset {shown(name)}; presets are {', '.join(presets)}")
    return presets[name]


def find_config(text: str) -> Path:
    """The settings file that `--config TEXT` means: a path, or the name of a preset.

    Raises:
        ConfigError: There is neither such a file nor such a preset.
    """
    path, is_file = Path() if "\0" in text else Path(text), False
    with suppress(RuntimeError):  # nobody's home folder
        path = path.expanduser()
    with suppress(OSError):  # a name that is too long
        is_file = path.is_file()
    presets = _presets()
    if text in presets and not is_file:
        return presets[text]
    if is_file or path.suffix == ".toml" or len(path.parts) > 1:
        return path  # reading it says what is wrong with it
    near = nearest(text, presets)
    hint = f"the nearest preset is {near}" if near else f"presets are {', '.join(presets)}"
    raise ConfigError(f"--config: there is no file or preset {shown(text)}; {hint}")


def read_toml(path: Path) -> dict[str, object]:
    """The top-level table of a TOML file.

    Raises:
        ConfigError: The file cannot be read, is too large, is not UTF-8, or is not TOML.
    """
    place = shown_path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{place}: there is no such file; name a TOML file or a preset") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        raise ConfigError(f"{place}: cannot be read ({reason}); name a TOML file") from None
    if len(raw) > _MOST_FILE_BYTES:
        raise ConfigError(f"{place}: is larger than 1 MiB, which no settings file is")
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{place}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    # A number of thousands of digits is a ValueError of int(), deep nesting a RecursionError.
    except (ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0].encode("unicode_escape").decode("ascii")[:160]
        raise ConfigError(
            f"{place}: is not valid TOML ({reason}); write one key = value a line"
        ) from None


def load_config(path: Path) -> TrainingConfig:
    """The settings of a TOML file; what it does not name keeps its default.

    Raises:
        ConfigError: The file or a value in it is refused, in one sentence.
    """
    named = resolve_settings(training_settings(), path)
    try:
        return create_training_config(**named)
    except ConfigError as error:  # two that do not go together
        raise ConfigError(f"{shown_path(path)}: {error}") from None


def dump_config(config: TrainingConfig) -> str:
    """Every setting as TOML under the headings of its groups; `load_config` reads it back."""
    values = config.to_dict()
    blocks: dict[str, dict[str, object]] = {}
    for spec in training_settings():
        blocks.setdefault(spec.group, {})[spec.name] = values[spec.name]
    return "\n".join(f"# {group}\n{dump_toml(table)}" for group, table in blocks.items())


def dump_toml(values: Mapping[str, object]) -> str:
    """A flat mapping as TOML text."""
    import tomli_w

    return tomli_w.dumps(values)


def shown_path(path: Path) -> str:
    """The path on one line, for a message: relative when it lies under the working folder."""
    text = str(path)
    with suppress(OSError):  # the working folder may be gone
        text = text.removeprefix(f"{Path.cwd()}/")
    encoding = sys.getfilesystemencoding()
    clean = text.encode(encoding, "surrogateescape").decode(encoding, "replace")
    return "".join(char if char.isprintable() else "�" for char in clean)


# -- which value a setting has: defaults < file < environment < `--set`
#
# The same order holds for the settings of a training run and for those of any other job. Values in
# the environment and after `--set key=` are TOML; a word that is not TOML is taken as text, so that
# `--set network_config=small` needs no quotes.

_PREFIX: Final = "AZUL_TUI_"
_NO_SETTINGS: Final = frozenset({"ASCII", "CACHE", "CACHE_TOLD", "DIR"})
"""Variables with our prefix that name no setting."""


def resolve_config(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> TrainingConfig:
    """The settings of a run from all the places that may name them; see `resolve_settings`."""
    named = resolve_settings(training_settings(), file, environment, overrides)
    return create_training_config(**named)


def resolve_settings(
    specs: Sequence[SettingSpec],
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> dict[str, SettingValue]:
    """The settings that somebody named, checked; those left at their default are absent.

    Args:
        specs: Those that may be named.
        file: A TOML file, see `find_config`.
        environment: Usually `os.environ`; `AZUL_TUI_BATCH_SIZE=64` sets `batch_size`.
        overrides: The arguments of `--set`, each `key=value`.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    known = {spec.name: spec for spec in specs}
    named: dict[str, SettingValue] = {}
    if file is not None:
        place = shown_path(file)
        for name, value in read_toml(file).items():
            named[name] = _known(known, name, place).check(value, place=place)
    for variable, text in sorted((environment or {}).items()):
        word = variable.removeprefix(_PREFIX)
        if word == variable or word in _NO_SETTINGS:
            continue
        name = word.lower()
        if name in known:
            named[name] = known[name].check(_as_wanted(known[name], text), place=variable)
        elif name not in _SPECS:  # a training setting is nothing to a job that does not train
            near = nearest(name, known)
            hint = f"the nearest known one is {_PREFIX}{near.upper()}" if near else "unset it"
            raise ConfigError(f"{shown(variable)} in the environment names no setting; {hint}")
    for override in overrides:
        name, equals, text = (part.strip() for part in override.partition("="))
        if not equals or not name:
            raise ConfigError(f"--set: {shown(override)} is not of the form key=value")
        spec = _known(known, name, "--set")
        named[name] = spec.check(_as_wanted(spec, text), place="--set")
    return named


def combine(base: TrainingConfig, named: Mapping[str, SettingValue]) -> TrainingConfig:
    """`base` with the named settings; raises ConfigError when two do not go together."""
    return base.replace(**named)


def _known(specs: Mapping[str, SettingSpec], name: str, place: str) -> SettingSpec:
    if name not in specs:
        raise ConfigError(unknown_name("setting", name, specs, place=place))
    return specs[name]


def _as_wanted(spec: SettingSpec, text: str) -> object:
    """The value that a text means: TOML, or the bare text where a text is wanted."""
    try:
        table: dict[str, object] = tomllib.loads(f"value = {text}\n")
    except (ValueError, RecursionError):
        table = {"value": text}
    value = table["value"] if len(table) == 1 else text
    if spec.kind in {"str", "choice", "path", "player"} and not isinstance(value, str):
        return text
    if spec.kind == "list" and isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


# -- settings that a file of a run holds, written by this version or by an older or newer one
#
# What a person writes is checked word for word: a slip of the pen must not pass. What the program
# wrote itself was right when it was written, so a run outlives the versions: a setting that this
# version does not know is left out, one that it lacks has its default, and so has one whose value
# it does not take, unless games or weights would be others for it. All of that is told.

_RETIRED: Final = {
    "c_visit": 50.0,
    "gate_elo": 50.0,
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
    retired = {name for name, value in _RETIRED.items() if values.get(name) == value}
    unknown = [str(name) for name in values if name not in _SPECS and name not in retired]
    if unknown:
        named = ", ".join(shown(name)[1:-1] for name in unknown[:_MOST_NAMED])
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        it = "it" if len(unknown) == 1 else "them"
        notes.append(f"{place}: this version does not know {named}{more}, and leaves {it} out")
    known: dict[str, Any] = {}
    for name, spec in _SPECS.items():
        if name not in values:
            continue
        try:
            known[name] = spec.check(values[name], place=place)
        except ConfigError as error:
            said = " ".join(str(error).split())  # a tensor is shown in many lines
            if name in needed:
                raise ConfigError(said) from None
            notes.append(f"{said}; the default, {shown(spec.default)}, takes its place")
    # The default of what is missing goes with what is there.
    usual = TrainingConfig()
    most = known.get("buffer_capacity", usual.buffer_capacity)
    known.setdefault("min_buffer_size", min(usual.min_buffer_size, most))
    known.setdefault("buffer_capacity", max(usual.buffer_capacity, known["min_buffer_size"]))
    try:
        return create_training_config(**known), tuple(notes)
    except ConfigError as error:  # two that went together when they were written
        notes.append(f"{place}: {error}; the defaults take their place")
        rest = {name: value for name, value in known.items() if name not in str(error)}
    return create_training_config(**rest), tuple(notes)


def load_stored_config(path: Path) -> tuple[TrainingConfig, tuple[str, ...]]:
    """`stored_config` of a run's `config.toml`, where the shapes of the weights are needed.

    Raises:
        ConfigError: The file cannot be read or is no TOML, or a needed setting is refused.
    """
    needed = (*WEIGHTS, *PLAYED_WITH)
    return stored_config(read_toml(path), place=shown_path(path), needed=needed)


def settings_table() -> str:
    """Every training setting as a Markdown table: key, default, what is accepted, what it means."""
    lines = ["| setting | default | accepted | meaning |", "|---|---|---|---|"]
    for spec in training_settings():
        marks = ("†" if spec.live else "") + ("" if spec.breaks_exactness else "‡")
        lines.append(
            f"| `{spec.name}`{marks} | `{shown(spec.default)}` | {spec.accepted()} | {spec.help} |"
        )
    legend = "† may change while a run is going on. ‡ may change on resume without ending in other"
    return "\n".join([*lines, "", f"{legend} weights."]) + "\n"
