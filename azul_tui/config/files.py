"""Settings from presets, files, the environment and `--set`, and back into a file."""

from __future__ import annotations

import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from azul_tui.config.setting import (
    SettingSpec,
    SettingValue,
    nearest,
    shown,
    unknown_name,
)
from azul_tui.config.training import (
    TrainingConfig,
    config_from_mapping,
    create_training_config,
    setting_names,
    training_settings,
)
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


# -- settings as TOML: reading, writing, and the presets that come with the program
#
# A settings file is a flat list of `key = value`. Whatever is wrong with one (absent, not
# UTF-8, not TOML, an unknown key, a value out of range) is refused in one sentence.

MAX_FILE_BYTES = 1 << 20
PRESET_SUFFIX = ".toml"
_PACKAGE = Path(__file__).resolve().parent.parent


def presets_directory() -> Path:
    """The folder of the presets: beside the code when installed, `configs/` in a checkout.

    Raises:
        ConfigError: The installation lacks its presets.
    """
    for folder in (_PACKAGE / "configs", _PACKAGE.parent / "configs"):
        if folder.is_dir():
            return folder
    raise ConfigError(
        "the presets of azul-tui are missing from this installation; install it again"
    )


def preset_names() -> tuple[str, ...]:
    """The names of the presets, in alphabetical order."""
    return tuple(sorted(file.stem for file in presets_directory().glob("*" + PRESET_SUFFIX)))


def find_preset(name: str) -> Path:
    """The file of the preset called `name`.

    Raises:
        ConfigError: There is no such preset; the known ones are named.
    """
    names = preset_names()
    if name not in names:
        known = ", ".join(names)
        raise ConfigError(f"unknown preset {shown(name)}; presets are {known}")
    return presets_directory() / (name + PRESET_SUFFIX)


def find_config(text: str) -> Path:
    """The settings file that `--config TEXT` means: a path, or the name of a preset.

    Raises:
        ConfigError: There is neither such a file nor such a preset.
    """
    try:
        path = Path(text).expanduser() if "\0" not in text else Path()
    except RuntimeError:  # nobody's home folder
        path = Path(text)
    names = preset_names()
    if text in names and not _is_file(path):
        return find_preset(text)
    if path.suffix == PRESET_SUFFIX or len(path.parts) > 1 or _is_file(path):
        return path  # reading it says what is wrong with it
    near = nearest(text, names)
    hint = f"the nearest preset is {near}" if near else f"presets are {', '.join(names)}"
    raise ConfigError(f"--config: there is no file or preset {shown(text)}; {hint}")


def read_toml(path: Path) -> dict[str, object]:
    """The top-level table of a TOML file.

    Raises:
        ConfigError: The file cannot be read, is too large, is not UTF-8, or is not TOML.
    """
    place = shown_path(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{place}: there is no such file; name a TOML file or a preset") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{place}: cannot be read ({reason}); name a TOML file") from None
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError(f"{place}: is larger than 1 MiB, which no settings file is")
    try:
        return parse_toml(raw.decode("utf-8-sig"), place=place)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{place}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None


def parse_toml(text: str, *, place: str) -> dict[str, object]:
    """The top-level table of a TOML text; `place` begins every message.

    Raises:
        ConfigError: The text is not TOML.
    """
    # A number of thousands of digits is a ValueError of int(), deep nesting a RecursionError.
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it cannot be read"
        printable = reason.encode("unicode_escape").decode("ascii")[:160]
        raise ConfigError(
            f"{place}: is not valid TOML ({printable}); write one key = value a line"
        ) from None


def load_config(path: Path) -> TrainingConfig:
    """The settings of a TOML file; what it does not name keeps its default.

    Raises:
        ConfigError: The file or a value in it is refused, in one sentence.
    """
    return config_from_mapping(read_toml(path), place=shown_path(path))


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


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


# -- which value a setting has: defaults < file < environment < `--set`
#
# The same order holds for the settings of a training run and for those of any other job, so
# everything here works on a tuple of `SettingSpec`. Values in the environment and after
# `--set key=` are TOML; a word that is not TOML is taken as text, so that
# `--set network_config=small` needs no quotes.

ENVIRONMENT_PREFIX = "AZUL_TUI_"
NOT_SETTINGS = frozenset(
    {"AZUL_TUI_ASCII", "AZUL_TUI_CACHE", "AZUL_TUI_CACHE_TOLD", "AZUL_TUI_DIR"}
)
"""Variables with our prefix that name no setting."""


def resolve_config(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
    *,
    base: TrainingConfig | None = None,
) -> TrainingConfig:
    """The settings of a run from all the places that may name them.

    Args:
        file: A TOML file, see `find_config`.
        environment: Usually `os.environ`; `AZUL_TUI_BATCH_SIZE=64` sets `batch_size`.
        overrides: The arguments of `--set`, each `key=value`.
        base: What the settings are before anything is named (default: the defaults).

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    named = resolve_settings(training_settings(), file, environment, overrides)
    return combine(base or TrainingConfig(), named)


def resolve_settings(
    specs: Sequence[SettingSpec],
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> dict[str, SettingValue]:
    """The settings that somebody named, checked; those left at their default are absent.

    Raises:
        ConfigError: A key is unknown or a value is refused.
    """
    known = {spec.name: spec for spec in specs}
    named: dict[str, SettingValue] = {}
    if file is not None:
        place = shown_path(file)
        for name, value in read_toml(file).items():
            named[name] = _spec(known, name, place).check(value, place=place)
    named |= _from_environment(known, environment or {})
    for override in overrides:
        name, value = parse_override(override)
        spec = _spec(known, name, "--set")
        named[name] = spec.check(_as_wanted(spec, value), place="--set")
    return named


def combine(base: TrainingConfig, named: Mapping[str, SettingValue]) -> TrainingConfig:
    """`base` with the named settings.

    Raises:
        ConfigError: Two settings do not go together.
    """
    return base.replace(**named)


def parse_override(text: str) -> tuple[str, str]:
    """Split the `key=value` of `--set` into key and the text of the value.

    Raises:
        ConfigError: There is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set: {shown(text)} is not of the form key=value")
    return name.strip(), value.strip()


def _from_environment(
    known: Mapping[str, SettingSpec], environment: Mapping[str, str]
) -> dict[str, SettingValue]:
    named: dict[str, SettingValue] = {}
    training = {spec.name for spec in training_settings()}
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in NOT_SETTINGS:
            continue
        name = variable[len(ENVIRONMENT_PREFIX) :].lower()
        if name in known:
            spec = known[name]
            named[name] = spec.check(_as_wanted(spec, environment[variable]), place=variable)
        elif name not in training:  # a training setting is nothing to a job that does not train
            near = nearest(name, known)
            hint = (
                f"the nearest known one is {ENVIRONMENT_PREFIX}{near.upper()}"
                if near
                else "unset it"
            )
            raise ConfigError(f"{shown(variable)} in the environment names no setting; {hint}")
    return named


def _spec(known: Mapping[str, SettingSpec], name: str, place: str) -> SettingSpec:
    spec = known.get(name)
    if spec is None:
        raise ConfigError(unknown_name("setting", name, known, place=place))
    return spec


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
# What a person writes is checked word for word (`resolve`): a slip of the pen must not pass. What
# the program wrote itself was right when it was written, so a run outlives the versions: a setting
# that this version does not know is left out, one that it lacks has its default, and so has one
# whose value it does not take, unless games or weights would be others for it. All of that is told.

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


# -- the settings as a Markdown table, so that the README cannot drift from the code

LEGEND = (
    "† may change while a run is going on. ‡ may change on resume without ending in other weights."
)


def settings_table() -> str:
    """Every training setting: key, default, what is accepted, what it means."""
    lines = ["| setting | default | accepted | meaning |", "|---|---|---|---|"]
    lines += [_row(spec) for spec in training_settings()]
    return "\n".join([*lines, "", LEGEND]) + "\n"


def _row(spec: SettingSpec) -> str:
    marks = ("†" if spec.live else "") + ("" if spec.breaks_exactness else "‡")
    return f"| `{spec.name}`{marks} | `{shown(spec.default)}` | {spec.accepted()} | {spec.help} |"
