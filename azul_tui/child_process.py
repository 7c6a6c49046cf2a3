"""How this program starts Python again: the same code as here, and nothing of the current folder.

A folder may hold a `queue.py`, and Python looks there first: after `-m` and `-c`, in a notebook,
and wherever PYTHONPATH has an empty entry. So every process of this program starts this file by its
path, with `-P`, and finds modules where its parent does, the current folder and the folder of the
parent's script left out. The package itself is found by its place and by no search: the parent may
have it from the current folder.

Imported before anything else is, and run without its package: only modules that every start of
Python has loaded may be imported at the top.
"""

from __future__ import annotations

import os
import sys

_OWN_FOLDERS = ("site-packages", "dist-packages")


def module_folders() -> list[str]:
    """`sys.path` without the current folder and that of the script that was started."""
    here = _current_folder()
    left_out = {here}
    script = sys.modules["__main__"]
    if getattr(script, "__spec__", None) is None and getattr(script, "__file__", None):
        left_out.add(os.path.dirname(os.path.realpath(str(script.__file__))))
    found: list[str] = []
    for entry in sys.path:
        if here is None and not os.path.isabs(entry):
            continue
        folder = os.path.abspath(entry)
        real = os.path.realpath(folder)
        is_own = os.path.basename(real) in _OWN_FOLDERS or real == os.path.dirname(os.__file__)
        if real not in left_out or is_own:
            found.append(folder)
    return found


def python_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this package, with `python_environment`.

    Raises:
        JobError: Nobody knows which Python runs this, as where it is a part of another program.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        from azul_tui.errors import JobError

        raise JobError(
            "no further process can be started, because sys.executable names no Python; "
            "a training with self_play_workers=1 needs none"
        )
    return [sys.executable, "-P", os.path.abspath(__file__), module, *arguments]


def python_environment() -> dict[str, str]:
    """This process's environment, with `module_folders` as the places of modules."""
    folders = (folder for folder in module_folders() if os.pathsep not in folder)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


def working_folder() -> str:
    """The current folder, or the root of all where it was deleted: torch loads in none such."""
    return _current_folder() or os.sep


def _current_folder() -> str | None:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was deleted
        return None


def _run_module() -> None:
    """Run the module that the first argument names as `python -m` would."""
    import runpy
    from importlib.util import module_from_spec, spec_from_file_location

    package = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__init__.py")
    spec = spec_from_file_location("azul_tui", package)
    assert spec is not None
    assert spec.loader is not None
    sys.modules["azul_tui"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["azul_tui"])
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run_module()
