"""The keys of the Analyse place that change who is asked, and how deep."""

from __future__ import annotations

from azul_tui.tui.screens.analyse_place import AnalysePlace


class AnalyseDepth(AnalysePlace):
    """Networks and simulations."""

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

        self.azul.push_screen(NetworkBox("network", self.session.players[0]), answered)

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
        self.azul.push_screen(NetworkBox("compare with", second, with_none=True), answered)
