"""The keys of the Analyse place that change who is asked, and how deep."""

from __future__ import annotations

from azul_tui.tui.analyse.networks import fits, networks, no_network
from azul_tui.tui.screens.analyse_place import AnalysePlace


class AnalyseDepth(AnalysePlace):
    """Networks and simulations."""

    def __init__(self) -> None:
        super().__init__()
        self._seats = 2
        self._seated: dict[int, list[str]] = {}
        """The networks that were chosen, by players at the table."""

    def seat_networks(self) -> bool:
        """Let networks for this number of players take the place of others; False without any.

        Each table keeps its own choice.
        """
        session, root = self.session, self.azul.runs_root
        players = session.here.view.players
        if players != self._seats:
            self._seated[self._seats] = list(session.players)
            self._seats = players
        strangers = [name for name in session.players if not fits(name, root, players)]
        if not strangers:
            return True
        offered = networks(root, players)
        if not offered:
            self.thinking.refuse(no_network(players))
            return False
        before = [name for name in self._seated.get(players, []) if fits(name, root, players)]
        known = [choice.name for choice in offered if choice.players == players]
        if before or known:  # otherwise the engine knows whether one of them will do
            session.players = before or known[:1]
        if known and not before:
            self.say(f"{known[0]} is for {players} players, {strangers[0]} is not")
        return True

    def action_double(self) -> None:
        """Twice the simulations."""
        self.session.double()
        self.session.stopped = False
        self.think()

    def action_halve(self) -> None:
        """Half the simulations."""
        self.session.halve()
        self.think()

    def action_stop(self) -> None:
        """Stop, or go on; where all is known, think on with twice the simulations."""
        if self.thinking.trouble:
            self.action_again()
            return
        if self.session.is_done and not self.session.stopped:
            self.action_double()
            return
        self.session.stopped = not self.session.stopped
        self.think()

    def action_again(self) -> None:
        """Ask again after trouble."""
        self.thinking.trouble = ""
        self.session.stopped = False
        self.think()

    def action_network(self) -> None:
        """Choose the network."""
        from azul_tui.tui.analyse.networks import NetworkBox

        def answered(name: str | None) -> None:
            if name:
                self.session.players[0] = name
                self.message, self.thinking.trouble = "", ""
                self.think()

        box = NetworkBox("network", self.session.players[0], players=self._seats)
        self.azul.push_screen(box, answered)

    def action_compare(self) -> None:
        """Choose a second network, or go back to one."""
        from azul_tui.tui.analyse.networks import NetworkBox

        def answered(name: str | None) -> None:
            if name is None:
                return
            first = self.session.players[0]
            self.session.players = [first, name] if name and name != first else [first]
            self.message, self.thinking.trouble = "", ""
            if name == first:
                self.say(
                    f"{first} is the first network already; choose another to compare", bad=True
                )
            self.think()

        second = self.session.players[1] if self.moves.is_compared else ""
        box = NetworkBox("compare with", second, players=self._seats, with_none=True)
        self.azul.push_screen(box, answered)
