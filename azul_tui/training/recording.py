"""Self-play of G games at once as one kernel: search, move, record, next game.

Each of G places plays one game after another. `play_on` gives every place the evaluation it
waits for and carries on until it needs the next, so nothing happens a game in Python. What a game
becomes depends on the run's seed, its number and the weights alone, never on its neighbours.

Letters: G places, T most samples kept of one game, M most moves that one can have (a tile each),
S bytes a position, A actions, V values, C samples that fit into the outbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from azul_tui.game.canonical import apply_canonical, refill_canonical
from azul_tui.game.dealing import clear_game
from azul_tui.game.kernel import Float32Array, Int8Array, integer, lean_kernel
from azul_tui.game.layout import AFTERSTATE, OVER, PHASE, PLAYERS, TO_MOVE, copy_state
from azul_tui.game.moves import list_legal
from azul_tui.game.observation import write_observation
from azul_tui.game.random import GAME, SEARCH, derive, next_unit
from azul_tui.search.root import choose_edge, root_value, write_improved_policy, write_visit_policy
from azul_tui.search.simulation import advance, begin, final_values, receive
from azul_tui.search.tree import NO_NODE, Tree
from azul_tui.training.desk import FAST_PLAN, FULL_PLAN, IDLE, Desk, PlaySettings

if TYPE_CHECKING:
    from azul_tui.search.settings import SearchSettings


@lean_kernel
def _next_game(Desk: Desk, Tree: Tree, rules: PlaySettings, place: int) -> bool:
    """Deal the next game of the queue at `place`; False when none is left."""
    here = Desk.places[place]
    if Desk.cursor[0] >= len(Desk.queue):
        here.number = IDLE
        return False
    number = integer(Desk.queue[Desk.cursor[0]])
    Desk.cursor[0] += 1
    here.number = number
    here.moves = 0
    here.samples = 0
    here.finished = 0
    seed = derive(rules.seed, GAME, number)
    Desk.game_seeds[place] = seed
    Tree.stream[place, 0] = derive(seed, SEARCH, 0)
    state = Desk.states[place]
    clear_game(state, integer(state[PLAYERS]))
    refill_canonical(state, seed, Tree.deal)
    return True


@lean_kernel
def _clear(policy: Float32Array) -> None:
    """Fill a policy `(A,)` with zeros: no policy to learn."""
    for action in range(len(policy)):
        policy[action] = 0.0


@lean_kernel
def _keep_value_sample(Desk: Desk, place: int) -> None:
    """Record the position of `place` for its value alone."""
    here = Desk.places[place]
    if here.samples < Desk.sample_states.shape[1]:
        copy_state(Desk.states[place], Desk.sample_states[place, here.samples])
        _clear(Desk.sample_policies[place, here.samples])
        Desk.sample_values[place, here.samples] = np.nan
        here.samples += 1


@lean_kernel
def _make_move(Desk: Desk, Tree: Tree, place: int, action: int) -> None:
    """Play `action`; after a round keep the afterstate as a sample and deal the next round."""
    here = Desk.places[place]
    state = Desk.states[place]
    Desk.actions[place, here.moves] = action
    here.moves += 1
    apply_canonical(state, action)
    if state[PHASE] == AFTERSTATE:
        _keep_value_sample(Desk, place)
        refill_canonical(state, Desk.game_seeds[place], Tree.deal)


@lean_kernel
def _entropy(policy: Float32Array) -> float:
    """Entropy, in nats, of a policy `(A,)`."""
    total = 0.0
    for action in range(len(policy)):
        if policy[action] > 0.0:
            total -= policy[action] * np.log(policy[action])
    return total


@lean_kernel
def _play_searched_move(
    Desk: Desk, Tree: Tree, settings: SearchSettings, rules: PlaySettings, place: int
) -> None:
    """Play the move that the finished search of `place` chose, and record its sample."""
    here = Desk.places[place]
    tally = Desk.tally[0]
    tally.simulations += Tree.games[place].done
    if here.samples < Desk.sample_states.shape[1]:
        copy_state(Desk.states[place], Desk.sample_states[place, here.samples])
        policy = Desk.sample_policies[place, here.samples]
        if here.full:
            if settings.gumbel:
                write_improved_policy(Tree, settings, place, policy)
            else:
                write_visit_policy(Tree, place, policy)
            tally.entropy += _entropy(policy)
            tally.policies += 1
        else:
            _clear(policy)
        Desk.sample_values[place, here.samples] = root_value(Tree, place)
        here.samples += 1
    warm = here.moves < rules.temperature_threshold
    edge = choose_edge(Tree, settings, place, rules.temperature if warm else 0.0)
    _make_move(Desk, Tree, place, integer(Tree.edges[place, edge].action))


@lean_kernel
def _post(Desk: Desk, rules: PlaySettings, place: int) -> bool:
    """Move the finished game of `place` to the outbox; False when it has no room."""
    here = Desk.places[place]
    state = Desk.states[place]
    players = np.int64(state[PLAYERS])
    at = Desk.cursor[1]
    if at + here.samples > len(Desk.out_states) or Desk.cursor[2] >= len(Desk.out_games):
        return False
    final = Desk.final
    final_values(state, final)
    tally = Desk.tally[0]
    tally.games += 1
    tally.moves += here.moves
    tally.first_seat_wins += 0.5 * (np.float64(final[0]) + 1.0)
    for seat in range(players):
        if -1.0 < final[seat] < 1.0:
            tally.draws += 1
            break
    # From here on `final` holds what the rest of the game says for every seat: TD(lambda),
    # Sutton 1988, read backwards. A position bootstraps from its own search's value, not from
    # the next one's: the search has looked ahead from it.
    mix = np.float32(rules.value_target_mix)
    share = np.float32(1.0 - rules.value_target_lambda)
    values = 1 if players == 2 else players
    for index in range(here.samples - 1, -1, -1):
        copy_state(Desk.sample_states[place, index], Desk.out_states[at + index])
        for action in range(Desk.out_policies.shape[1]):
            Desk.out_policies[at + index, action] = Desk.sample_policies[place, index, action]
        mover = np.int64(Desk.sample_states[place, index, TO_MOVE])
        searched = Desk.sample_values[place, index]
        found = not np.isnan(searched)
        if found and share > 0.0:  # else the outcome stays as it is, to the sign of a draw's zero
            final[mover] += share * (searched - final[mover])
            if players == 2:
                final[1 - mover] = -final[mover]
        for turn in range(values):
            seat = (mover + turn) % players
            Desk.out_outcomes[at + index, turn] = final[seat]
        if found:
            outcome = final[mover]
            Desk.out_outcomes[at + index, 0] = outcome + mix * (searched - outcome)
    game = Desk.cursor[2]
    Desk.out_games[game, 0] = here.number
    Desk.out_games[game, 1] = here.samples
    Desk.out_games[game, 2] = here.moves
    for move in range(here.moves):
        Desk.out_actions[game, move] = Desk.actions[place, move]
    Desk.cursor[1] = at + here.samples
    Desk.cursor[2] = game + 1
    return True


@lean_kernel
def _begin_search(
    Desk: Desk, Tree: Tree, rules: PlaySettings, place: int, observations: Int8Array
) -> None:
    """Start searching the position of `place`, in full or fast."""
    here = Desk.places[place]
    full = True
    if rules.full_search_fraction < 1.0:
        full = next_unit(Tree.stream[place]) < rules.full_search_fraction
    here.full = 1 if full else 0
    Tree.games[place].noise = np.float32(rules.temperature if full else 0.0)
    if full:
        begin(Tree, place, Desk.states[place], FULL_PLAN, rules.simulations)
    else:
        begin(Tree, place, Desk.states[place], FAST_PLAN, rules.fast_simulations)
    write_observation(Desk.states[place], observations[place])


@lean_kernel
def _next_search(
    Desk: Desk, Tree: Tree, rules: PlaySettings, place: int, observations: Int8Array
) -> bool:
    """Carry the game of `place` to the next position worth a search and begin it.

    Forced moves are played without one. Finished games are posted and the next is dealt.
    Returns False when nothing is left to play here, or the outbox is full.
    """
    here = Desk.places[place]
    while True:
        state = Desk.states[place]
        if here.finished or here.number == IDLE or state[PHASE] == OVER:
            if here.number != IDLE:
                here.finished = 1
                if not _post(Desk, rules, place):
                    return False
                here.finished = 0
            if not _next_game(Desk, Tree, rules, place):
                return False
            continue
        if list_legal(state, Tree.legal, True) == 1:
            _make_move(Desk, Tree, place, integer(Tree.legal[0]))
            continue
        _begin_search(Desk, Tree, rules, place, observations)
        return True


@lean_kernel
def play_on(
    Desk: Desk,
    Tree: Tree,
    settings: SearchSettings,
    rules: PlaySettings,
    logits: Float32Array,
    values: Float32Array,
    observations: Int8Array,
) -> int:
    """Hand out one batch of evaluations and play until every place waits for the next.

    Logits are `(G, A)` and values `(G, V)`; of the observations `(G, F)` a row is filled for each
    place that waits.

    Returns:
        How many places wait; 0 when all games are done or the outbox must be emptied first.
    """
    waiting = 0
    for place in range(Desk.states.shape[0]):
        if Tree.games[place].pending != NO_NODE:
            receive(Tree, settings, place, logits[place], values[place])
            if advance(Tree, settings, place):
                leaf = Tree.states[place, Tree.games[place].pending]
                write_observation(leaf, observations[place])
                waiting += 1
                continue
            _play_searched_move(Desk, Tree, settings, rules, place)
            if _next_search(Desk, Tree, rules, place, observations):
                waiting += 1
        elif _next_search(Desk, Tree, rules, place, observations):
            waiting += 1
    return waiting
