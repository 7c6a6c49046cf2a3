"""Job 5: games of search against itself, move by move, and what they teach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from azul_tui.game.constants import AFTERSTATE, MOVING, PHASE, ROUND, TO_MOVE, state_size
from azul_tui.game.notation import describe_move, format_move, format_position
from azul_tui.game.random import GAME, derive
from azul_tui.game.rules import apply_canonical, clear_game, refill_canonical, score_of, winner_mask
from azul_tui.game.view import view_position
from azul_tui.jobs.demonstration import PlayedDemo, play_games

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext
    from azul_tui.training.game_records import PlayedGame

_LIKELY = 5


def run(context: JobContext) -> dict[str, Any]:
    """Every move of every game, then statistics and one experience in full."""
    players = context.integer("num_players")
    demo = play_games(
        context,
        context.integer("games"),
        players=players,
        simulations=context.integer("mcts_simulations"),
    )
    for game in demo.batch.games:
        _tell_game(context, game, players)
    tally = demo.batch.tally
    say = context.reporter.say
    say(
        f"{tally.games} games, {tally.moves / tally.games:.1f} moves each; first seat won "
        f"{tally.first_seat_wins:g}, shared {tally.draws}"
    )
    size = demo.buffer.bytes_per_position
    say(f"replay buffer: {len(demo.buffer):,} positions, {size} bytes each")
    experience = _tell_experience(context, demo, players)
    return {
        "games": tally.games,
        "moves": tally.moves,
        "simulations": tally.simulations,
        "positions": len(demo.buffer),
        "mean_moves": tally.moves / tally.games,
        "experience": experience,
    }


def _tell_game(context: JobContext, game: PlayedGame, players: int) -> None:
    """One game, a line a round, with a record a move."""
    seed = derive(np.uint64(context.integer("seed")), GAME, game.number)
    stream = np.zeros(1, np.uint64)
    state = np.zeros(state_size(players), np.int8)
    clear_game(state, players)
    say = context.reporter.say
    say(f"game {game.number}")
    line: list[str] = []
    for number, action in enumerate(game.actions, start=1):
        if state[PHASE] == AFTERSTATE:
            refill_canonical(state, seed, stream)
            line = []
        seat, dealt = int(state[TO_MOVE]), int(state[ROUND])
        apply_canonical(state, action)
        line.append(f"{seat + 1}:{format_move(action, players)}")
        context.reporter.record(
            "move",
            game=game.number,
            number=number,
            seat=seat,
            move=format_move(action, players),
            told=describe_move(action, players),
            position=format_position(view_position(state)),
        )
        if state[PHASE] != MOVING:
            scores = [int(score_of(state, seat)) for seat in range(players)]
            say(f"  round {dealt}  " + "  ".join(line))
            say("           scores " + " : ".join(str(score) for score in scores))
    mask = int(winner_mask(state))
    winners = [seat + 1 for seat in range(players) if mask >> seat & 1]
    scores = [int(score_of(state, seat)) for seat in range(players)]
    say(
        f"  {len(game.actions)} moves, final scores {' : '.join(map(str, scores))}, won by player "
        + " and ".join(map(str, winners))
    )
    context.reporter.record(
        "game", game=game.number, moves=len(game.actions), scores=scores, winners=winners
    )


def _tell_experience(context: JobContext, demo: PlayedDemo, players: int) -> dict[str, Any]:
    """One position of the buffer with its search policy and its outcome."""
    index = int(np.argmax(demo.batch.policies.max(axis=1) > 0))
    view = view_position(demo.batch.states[index])
    policy = demo.batch.policies[index].astype(np.float32)
    order = np.argsort(-policy, kind="stable")[:_LIKELY]
    outcome = [float(value) for value in demo.batch.outcomes[index]]
    say = context.reporter.say
    say("one experience in full:")
    say(f"  position  {format_position(view)}")
    moves = {format_move(int(action), players): float(policy[action]) for action in order}
    say("  policy    " + "  ".join(f"{move} {share:.1%}" for move, share in moves.items()))
    say(f"  outcome   {' '.join(f'{value:+.2f}' for value in outcome)} for the player to move")
    experience = {"position": format_position(view), "policy": moves, "outcome": outcome}
    context.reporter.record("experience", **experience)
    return experience
