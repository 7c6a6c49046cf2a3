"""Settings as TOML: reading, writing, and the presets that come with the program.

A settings file is a flat list of `key = value`. Whatever is wrong with one (absent, not
UTF-8, not TOML, an unknown key, a value out of range) is refused in one sentence.
"""

from __future__ import annotations

import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from azul_tui.config.setting import nearest, shown
from azul_tui.config.training import TrainingConfig, config_from_mapping, training_settings
from azul_tui.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
