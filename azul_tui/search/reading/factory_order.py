"""From canonical factory order back to the table's, and onwards move by move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from azul_tui.game.constants import decode_action, encode_action

if TYPE_CHECKING:
    from collections.abc import Iterable


class FactoryOrder:
    """Which factory of the table stands at each canonical place; changes with every move.

    Players and searches name factories by their place in canonical order (`game.canonical`), where
    an emptied factory moves behind the others. On the table it stays where it is.
    """

    def __init__(self, places: Iterable[int]) -> None:
        """Take the `(F,)` or, with the centre last, `(F + 1,)` sources by canonical place."""
        self._places = [int(place) for place in places]

    def copy(self) -> Self:
        """The same order, to follow another line of moves."""
        return type(self)(self._places)

    def table_action(self, action: int) -> int:
        """The action on the table that canonical `action` stands for; the order stays."""
        source, color, row = decode_action(action)
        return encode_action(self._on_table(source), color, row)

    def canonical_action(self, action: int) -> int:
        """The canonical action that stands for `action` on the table; the order stays."""
        source, color, row = decode_action(action)
        place = self._places.index(source) if source < self._factories else source
        return encode_action(place, color, row)

    def follow(self, action: int) -> int:
        """`table_action`, and the order after `apply_canonical` has played it."""
        source, color, row = decode_action(action)
        place = self._on_table(source)
        if source < self._factories:
            self._places.insert(self._factories - 1, self._places.pop(source))
        return encode_action(place, color, row)

    @property
    def _factories(self) -> int:
        """F; the number of sources is even with the centre and odd without."""
        return len(self._places) - (len(self._places) % 2 == 0)

    def _on_table(self, source: int) -> int:
        return self._places[source] if source < self._factories else source
