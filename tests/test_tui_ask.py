"""A question takes one answer, however fast keys are typed."""

from __future__ import annotations

from azul_tui.tui.app import AzulApp
from azul_tui.tui.screens.ask import AskScreen


async def test_keys_typed_behind_the_answer_are_no_answers(tmp_path):
    app = AzulApp(tmp_path)
    answers: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        below = app.screen
        question = AskScreen("Really?", "", (("c", "cancel"), ("n", "stay")), safe="n")
        await app.push_screen(question, answers.append)
        await pilot.pause()
        for key in ("c", "c", "n"):
            app.simulate_key(key)
        await pilot.pause()
        await pilot.pause()
        assert answers == ["c"]
        assert app.screen is below
