"""Whether some bytes are an archive of tensors and nothing else, before anything is unpacked.

torch writes a zip archive without compression: a pickle that says what there is, and one member
a tensor. A pickle is a program; this one may only build tensors. It is read here, never run.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from typing import Final

from azul_tui.errors import CheckpointError
from azul_tui.runs.text import plain_text

_LARGEST_PICKLE: Final = 1 << 24
_MOST_MEMBERS: Final = 4096
_KNOWN_GLOBALS: Final = frozenset(
    {
        "torch._utils _rebuild_tensor_v2",
        "collections OrderedDict",
        "torch FloatStorage",
        "torch HalfStorage",
        "torch BFloat16Storage",
        "torch DoubleStorage",
        "torch LongStorage",
        "torch IntStorage",
        "torch ByteStorage",
        "torch BoolStorage",
    }
)
_REFUSED_OPCODES: Final = frozenset(
    {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "EXT1", "EXT2", "EXT4"}
)


def check_archive(data: bytes, name: str) -> None:
    """Refuse what is no plain zip archive of tensors, or a damaged one.

    Raises:
        CheckpointError: Saying of the file `name` what is wrong.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            pickles = [member for member in members if member.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or len(members) > _MOST_MEMBERS:
                raise CheckpointError(f"{name}: is no checkpoint of this program")
            bomb = any(member.compress_type != zipfile.ZIP_STORED for member in members)
            total = sum(member.file_size for member in members)
            if bomb or total > len(data) or pickles[0].file_size > _LARGEST_PICKLE:
                raise CheckpointError(f"{name}: would unpack to more than it says; not loaded")
            broken = archive.testzip()
            if broken is not None:
                raise CheckpointError(f"{name}: is damaged (checksum of {plain_text(broken)})")
            program = archive.read(pickles[0])
    except CheckpointError:
        raise
    except Exception as error:  # zipfile raises a dozen kinds at damaged input
        raise CheckpointError(f"{name}: is no checkpoint, or it is damaged") from error
    _check_pickle(program, name)


def _check_pickle(program: bytes, name: str) -> None:
    """Refuse a pickle that names anything but tensors, without running it."""
    asked: object = None
    try:
        for opcode, argument, _ in pickletools.genops(program):
            if opcode.name in _REFUSED_OPCODES:
                asked = opcode.name
                break
            if opcode.name == "GLOBAL" and argument not in _KNOWN_GLOBALS:
                asked = argument
                break
    except Exception as error:  # noqa: BLE001 - pickletools raises many kinds at damaged input
        raise CheckpointError(f"{name}: is damaged ({type(error).__name__})") from None
    if asked is not None:
        wish = plain_text(str(asked))[:80]
        raise CheckpointError(f"{name}: holds code ({wish}), not only weights; not loaded")
