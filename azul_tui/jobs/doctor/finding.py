"""What one look at the machine found."""

from __future__ import annotations

from dataclasses import dataclass

from azul_tui.runs.text import plain_text


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    subject: str
    told: str
    problem: str = ""
    """What is wrong and what would help; keeps something from working."""
    advice: str = ""
    """What could be better; everything works without it."""


def broken(subject: str, error: Exception) -> Finding:
    """The finding on something that fails as soon as it is touched."""
    told = plain_text(f"{type(error).__name__}: {error}", 200)
    return Finding(subject, "does not work", f"{subject} does not work ({told}); install it again")
