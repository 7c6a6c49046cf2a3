"""Self-play with one evaluator: what is recorded is what was played, whoever played beside it."""

import numpy as np
import pytest
from scipy.stats import binomtest, kstest
from search_lab import ScatteredEvaluator, after, moves_of

from azul_tui.config import create_training_config
from azul_tui.game.constants import (
    AFTERSTATE,
    MOVING,
    OVER,
    PHASE,
    ROUND,
    TO_MOVE,
    action_count,
    state_size,
    value_count,
)
from azul_tui.game.random import GAME, SEARCH, derive
from azul_tui.game.rules import clear_game, refill_canonical, set_score
from azul_tui.game.state import GameState
from azul_tui.search.search import LockstepSearch
from azul_tui.search.select import SearchSettings
from azul_tui.training import self_play
from azul_tui.training.game_records import merge_batches
from azul_tui.training.self_play import (
    PlaySettings,
    SelfPlay,
    play_on,
    playing_search,
    search_settings,
)

RULES = PlaySettings(
    seed=np.uint64(11),
    simulations=12,
    fast_simulations=3,
    full_search_fraction=0.4,
    temperature=1.0,
    temperature_threshold=12,
    value_target_mix=0.3,
    value_target_lambda=1.0,
)
KINDS = {
    "gumbel": (SearchSettings(c_scale=0.3, max_considered_actions=6), 2),
    "puct": (SearchSettings(gumbel=False), 2),
    "sampled, three": (SearchSettings(c_scale=0.3, sampled_chance=True), 3),
    "puct, four": (SearchSettings(gumbel=False), 4),
}
GAMES = 12


def play(settings, players=2, places=8, numbers=None, rules=RULES):
    numbers = np.arange(GAMES) if numbers is None else np.asarray(numbers)
    evaluator = ScatteredEvaluator(places, players)
    return SelfPlay(evaluator, settings, rules, players).play(numbers)


def assert_same_games(one, other):
    np.testing.assert_array_equal(one.states, other.states)
    np.testing.assert_array_equal(one.policies, other.policies)
    np.testing.assert_array_equal(one.outcomes, other.outcomes)
    np.testing.assert_array_equal(one.samples, other.samples)
    assert one.games == other.games
    assert one.tally.entropy == pytest.approx(other.tally.entropy)
    assert (one.tally.games, one.tally.moves, one.tally.simulations) == (
        other.tally.games,
        other.tally.moves,
        other.tally.simulations,
    )


@pytest.fixture(scope="module", params=KINDS)
def played(request):
    settings, players = KINDS[request.param]
    return settings, players, play(settings, players)


def replay(players, number, actions, seed=RULES.seed):
    """The positions that a game's record must hold: `(state, searched)` in order, and its end."""
    game_seed = np.uint64(derive(seed, GAME, number))
    scratch = np.zeros(1, np.uint64)
    state = np.zeros(state_size(players), np.int8)
    clear_game(state, players)
    refill_canonical(state, game_seed, scratch)
    expected = []
    for action in actions:
        assert state[PHASE] == MOVING
        moves = moves_of(state)
        assert action in moves
        if len(moves) > 1:
            expected.append((state, True))
        state = after(state, action)
        if state[PHASE] == AFTERSTATE:
            expected.append((state.copy(), False))
            refill_canonical(state, game_seed, scratch)
    return expected, state


def outcome_for(mover, end):
    """Twice the share of the win less one: the mover's, or every seat's from the mover on."""
    game = GameState(end)
    share = {seat: 1 / len(game.winners) for seat in game.winners}
    values = [2 * share.get((mover + turn) % game.players, 0.0) - 1 for turn in range(game.players)]
    return values[:1] if game.players == 2 else values


# One game and the others


def test_a_game_does_not_depend_on_the_number_of_places(played, monkeypatch):
    """Nor on how often samples are taken away."""
    settings, players, batch = played
    monkeypatch.setattr(self_play, "_SAMPLES_HELD", 0)
    for places in (1, 5, 16):
        assert_same_games(play(settings, players, places), batch)


def test_a_game_does_not_depend_on_which_others_are_played_or_in_which_order(played):
    settings, players, batch = played
    order = np.random.default_rng(0).permutation(GAMES)
    parts = [play(settings, players, 4, order[:5]), play(settings, players, 3, order[5:])]
    assert_same_games(merge_batches(parts), batch)


def test_games_differ_by_number_and_by_seed(played):
    settings, players, batch = played
    assert len({game.actions for game in batch.games}) == GAMES
    other = play(settings, players, rules=RULES._replace(seed=np.uint64(12)))
    assert all(
        one.actions != two.actions for one, two in zip(batch.games, other.games, strict=True)
    )


def test_a_stopped_batch_leaves_nothing_behind(played):
    settings, players, batch = played
    game_player = SelfPlay(ScatteredEvaluator(8, players), settings, RULES, players)
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) == 2

    assert game_player.play(np.arange(100, 140), should_stop=should_stop) is None
    assert_same_games(game_player.play(np.arange(GAMES)), batch)


def test_no_games_are_no_samples():
    batch = play(*KINDS["gumbel"], numbers=[])
    assert batch.states.shape == (0, state_size(2))
    assert batch.policies.shape == (0, action_count(2))
    assert batch.outcomes.shape == (0, value_count(2))
    assert batch.games == ()
    assert batch.samples.shape == (0,)
    assert batch.tally.games == 0
    full = play(*KINDS["gumbel"], numbers=[1, 2])
    assert_same_games(merge_batches([batch, full, batch]), full)


# What is recorded


def test_the_moves_and_the_seed_give_every_sample_again(played):
    _, players, batch = played
    assert [game.number for game in batch.games] == list(range(GAMES))
    row = 0
    for game, samples in zip(batch.games, batch.samples, strict=True):
        expected, end = replay(players, game.number, game.actions)
        assert end[PHASE] == OVER
        assert samples == len(expected)
        for state, _ in expected:
            assert batch.states[row].tolist() == state.tolist()
            row += 1
    assert row == len(batch.states)
    assert batch.states.dtype == np.int8
    assert batch.policies.dtype == np.float16
    assert batch.outcomes.dtype == np.float32


def rows_of_games(players, batch):
    """`(row, state, searched, end)` for every sample."""
    row = 0
    for game in batch.games:
        expected, end = replay(players, game.number, game.actions)
        for state, searched in expected:
            yield row, state, searched, end
            row += 1


def test_policies_are_of_legal_moves_or_nothing(played):
    _, players, batch = played
    searches = learnt = 0
    entropy = 0.0
    for row, state, searched, _ in rows_of_games(players, batch):
        policy = batch.policies[row].astype(np.float64)
        searches += searched
        if not searched:
            assert not policy.any(), "an afterstate has nothing to choose"
        if not policy.any():
            continue
        learnt += 1
        assert policy.sum() == pytest.approx(1.0, abs=4e-3)
        legal = np.zeros(len(policy), bool)
        legal[moves_of(state)] = True
        assert not policy[~legal].any()
        positive = policy[policy > 0]
        entropy -= (positive * np.log(positive)).sum()
    tally = batch.tally
    assert tally.policies == learnt
    assert tally.entropy == pytest.approx(entropy, rel=0.01)
    fast = searches - learnt
    assert tally.simulations == learnt * RULES.simulations + fast * RULES.fast_simulations
    # The share of full searches; a fair coin fails for one seed in 10,000.
    assert binomtest(learnt, searches, RULES.full_search_fraction).pvalue > 1e-4


def test_outcomes_are_what_the_rules_say_of_the_mover(played):
    settings, players, _ = played
    exact = play(settings, players, rules=RULES._replace(value_target_mix=0.0))
    first_seat, draws = 0.0, 0
    for row, state, _, end in rows_of_games(players, exact):
        expected = outcome_for(int(state[TO_MOVE]), end)
        assert exact.outcomes[row].tolist() == pytest.approx(expected, abs=1e-6)
    for game in exact.games:
        _, end = replay(players, game.number, game.actions)
        winners = GameState(end).winners
        first_seat += (0 in winners) / len(winners)
        draws += len(winners) > 1
    assert exact.tally.first_seat_wins == pytest.approx(first_seat)
    assert exact.tally.draws == draws
    assert exact.tally.games == GAMES
    assert exact.tally.moves == sum(len(game.actions) for game in exact.games)


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_values_met_on_the_way_take_the_outcome_s_place_from_the_end_backwards(played, share):
    """TD(lambda): each seat's return starts as the outcome and takes in its own root values.

    Then a searched position's own target is (1 - mix) x that + mix x root value.
    """
    settings, players, batch = played
    mix = RULES.value_target_mix
    exact = play(settings, players, rules=RULES._replace(value_target_mix=0.0))
    searched = play(settings, players, rules=RULES._replace(value_target_mix=1.0)).outcomes[:, 0]
    found = play(settings, players, rules=RULES._replace(value_target_lambda=1.0 - share))
    np.testing.assert_array_equal(found.states, batch.states)
    rows = list(rows_of_games(players, exact))
    returns, expected, end_before = np.zeros(players), np.zeros_like(exact.outcomes), None
    for row, state, _, end in reversed(rows):
        mover = int(state[TO_MOVE])
        seats = [(mover + turn) % players for turn in range(players)]
        if end is not end_before:
            whole = outcome_for(mover, end)
            if players == 2:
                whole = [whole[0], -whole[0]]
            returns[seats] = whole
            end_before = end
        if state[PHASE] != AFTERSTATE:
            returns[mover] += share * (searched[row] - returns[mover])
            if players == 2:
                returns[1 - mover] = -returns[mover]
        expected[row] = returns[seats][: expected.shape[1]]
        if state[PHASE] != AFTERSTATE:
            expected[row, 0] += mix * (searched[row] - expected[row, 0])
    np.testing.assert_allclose(found.outcomes, expected, atol=1e-5)
    assert np.abs(searched).max() <= 1.0
    changed = (found.outcomes[:, 0] != batch.outcomes[:, 0]).mean()
    assert changed > 0.9 if share else changed == 0.0


@pytest.mark.parametrize("kind", ["gumbel", "puct"])
def test_policies_values_and_moves_are_the_search_s_own(kind):
    """Without noise a game is what `LockstepSearch` says at each of its positions."""
    settings, players = KINDS[kind]
    rules = RULES._replace(temperature=0.0, full_search_fraction=1.0, value_target_mix=1.0)
    batch = play(settings, players, rules=rules, numbers=[3, 4])
    search = LockstepSearch(1, rules.simulations, settings, players)
    evaluator = ScatteredEvaluator(1, players)
    row = 0
    for game in batch.games:
        state = replay(players, game.number, [])[1]
        seed = np.uint64(derive(rules.seed, GAME, game.number))
        for action in game.actions:
            if len(moves_of(state)) > 1:
                result = search.run(state[None], evaluator)
                assert result.actions[0] == action
                np.testing.assert_array_equal(
                    batch.policies[row], result.policies[0].astype(np.float16)
                )
                assert batch.outcomes[row, 0] == pytest.approx(result.values[0], abs=1e-6)
                row += 1
            state = after(state, action)
            if state[PHASE] == AFTERSTATE:
                row += 1
                refill_canonical(state, seed, np.zeros(1, np.uint64))


def test_moves_past_the_threshold_are_the_most_visited():
    rules = RULES._replace(full_search_fraction=1.0, temperature_threshold=8, temperature=3.0)
    settings, players = KINDS["puct"]
    batch = play(settings, players, rules=rules)
    row, drawn, late = 0, 0, 0
    for game in batch.games:
        state = replay(players, game.number, [])[1]
        seed = np.uint64(derive(rules.seed, GAME, game.number))
        for number, action in enumerate(game.actions):
            if len(moves_of(state)) > 1:
                best = batch.policies[row, action] == batch.policies[row].max()
                if number >= rules.temperature_threshold:
                    assert best
                    late += 1
                drawn += not best
                row += 1
            state = after(state, action)
            if state[PHASE] == AFTERSTATE:
                row += 1
                refill_canonical(state, seed, np.zeros(1, np.uint64))
    assert late
    assert drawn > GAMES, "early moves are drawn at the temperature"


def test_gumbel_noise_stays_at_the_root_past_the_threshold_and_counts_no_more_in_the_choice():
    """A late move is the best of its noisy search, and not always that of one without noise."""
    rules = RULES._replace(full_search_fraction=1.0, temperature_threshold=8, simulations=4)
    settings, players = SearchSettings(c_scale=0.02, max_considered_actions=6), 2
    batch = play(settings, players, rules=rules)
    search = LockstepSearch(1, rules.simulations, settings, players)
    evaluator = ScatteredEvaluator(1, players)
    early, late, swayed = [], [], []
    for game in batch.games:
        state = replay(players, game.number, [])[1]
        seed = np.uint64(derive(rules.seed, GAME, game.number))
        stream = np.array([derive(seed, SEARCH, 0)], np.uint64)
        for number, action in enumerate(game.actions):
            if len(moves_of(state)) > 1:
                quiet = search.run(state[None], evaluator).actions[0]
                best = search.run(state[None], evaluator, seeds=stream, noise=1.0).actions[0]
                stream = search.tree.stream[:1, 0].copy()
                if number < rules.temperature_threshold:
                    early.append(action == best)
                else:
                    late.append(action == best)
                    swayed.append(action != quiet)
            state = after(state, action)
            if state[PHASE] == AFTERSTATE:
                refill_canonical(state, seed, np.zeros(1, np.uint64))
    assert not all(early)
    assert len(late) > GAMES
    assert all(late)
    assert 0 < sum(swayed) < len(swayed)


# Corners


class FloorEvaluator(ScatteredEvaluator):
    """Wants every tile on the floor: the longest games there are."""

    def __call__(self, observations):
        logits, values = super().__call__(observations)
        logits[:, 5::6] += 30.0
        return logits, np.zeros_like(values)


def test_a_game_that_never_ends_is_kept_in_part_and_can_be_replayed():
    settings, players = KINDS["gumbel"]
    rules = RULES._replace(simulations=1, fast_simulations=1, temperature=0.0)
    game_player = SelfPlay(FloorEvaluator(1), settings, rules, players)
    batch = game_player.play(np.arange(1))
    game = batch.games[0]
    assert len(game.actions) == batch.tally.moves > self_play.MOST_SAMPLES
    assert len(batch.states) == self_play.MOST_SAMPLES
    expected, end = replay(players, 0, game.actions)
    assert end[PHASE] == OVER
    assert GameState(end).end_reason == "round limit"
    for row, (state, _) in enumerate(expected[: self_play.MOST_SAMPLES]):
        assert batch.states[row].tolist() == state.tolist()


@pytest.mark.parametrize(
    ("scores", "first_seat", "draws"),
    [
        ((9, 5), 1.0, 0),
        ((5, 9), 0.0, 0),
        ((9, 9), 0.5, 1),
        ((9, 9, 5), 0.5, 1),
        ((5, 9, 9), 0.0, 1),
        ((9, 9, 9), 1 / 3, 1),
        ((9, 9, 9, 9), 0.25, 1),
        ((1, 2, 3, 4), 0.0, 0),
    ],
)
def test_shared_victories_count_by_their_share(scores, first_seat, draws):
    """A game that stands finished in a slot gives each seat its outcome."""
    players = len(scores)
    rules = RULES._replace(value_target_mix=0.0)
    game_player = SelfPlay(ScatteredEvaluator(3, players), SearchSettings(), rules, players)
    games = game_player._games_to_play(np.array([77]))
    slots, tree = game_player._slots._replace(**games), game_player._tree
    state = slots.states[1]
    state[PHASE] = OVER
    for seat, score in enumerate(scores):
        set_score(state, seat, score)
        slots.sample_states[seat] = state
        slots.sample_states[seat, TO_MOVE] = seat
    slots.sample_values[:players] = np.nan
    slots.sample_games[:players] = slots.game[1] = 0
    slots.counts[self_play.DEALT], slots.counts[self_play.SAMPLES] = 1, players
    seen = game_player._observations
    answer = game_player.evaluator(seen)
    assert play_on(slots, tree, SearchSettings(), rules, *answer, seen) == 0
    batch = game_player._batch(slots, [self_play._take_samples(slots)])
    assert (batch.tally.games, batch.games[0].number, batch.tally.draws) == (1, 77, draws)
    assert batch.tally.first_seat_wins == pytest.approx(first_seat)
    for mover in range(players):
        assert batch.outcomes[mover].tolist() == pytest.approx(outcome_for(mover, state))


def test_progress_is_told_and_stopping_is_quick():
    settings, players = KINDS["gumbel"]
    game_player = SelfPlay(ScatteredEvaluator(4), settings, RULES, players)
    seen = []
    evaluator = game_player.evaluator
    stopped = game_player.play(
        np.arange(50),
        on_progress=seen.append,
        should_stop=lambda: len(seen) >= 3,
        report_every_s=0.0,
    )
    assert stopped is None
    assert evaluator.calls < 50 * 20
    assert len(seen) == 3
    assert seen[0].simulations < seen[1].simulations < seen[2].simulations
    last = seen[-1]
    position = np.frombuffer(last.position, np.int8)
    assert GameState(position).violations() == []
    assert 0 <= last.number < 50
    assert last.value is None or -1 <= last.value <= 1


class RootNoise(ScatteredEvaluator):
    """Writes down the root's noise of each search when its first leaf is asked about."""

    def __init__(self, batch_size):
        super().__init__(batch_size)
        self.game_player = None
        self.noise = {}

    def __call__(self, observations):
        slots, tree = self.game_player._slots, self.game_player._tree
        for place in range(self.batch_size):
            record = tree.games[place]
            if record["pending"] != 1 or record["done"] != 0:
                continue
            count = int(record["considered"])
            noise = tree.gumbel[place, :count] - np.log(tree.edges[place, :count]["prior"])
            game = slots.game[place]
            self.noise[int(slots.numbers[game]), int(slots.moves[game])] = noise.copy()
        return super().__call__(observations)


def noise_of_games(temperature, seed=11):
    rules = RULES._replace(
        full_search_fraction=1.0, temperature=temperature, seed=np.uint64(seed), simulations=4
    )
    evaluator = RootNoise(6)
    settings = SearchSettings(max_considered_actions=300)
    evaluator.game_player = SelfPlay(evaluator, settings, rules, 2)
    evaluator.game_player.play(np.arange(12))
    return evaluator.noise


def test_noise_is_fresh_in_every_game_and_at_every_move():
    """A public implementation had the same noise at every move for years."""
    noise = noise_of_games(1.0)
    assert len(noise) > 12 * 30
    # Largest and smallest of each root: a repeated draw would show in both.
    firsts = [round(float(values.max()), 4) for values in noise.values() if len(values) > 3]
    assert len(set(firsts)) > 0.97 * len(firsts)
    # Considered actions come in order of score, so the sum over all of them is the fair one.
    together = np.concatenate(list(noise.values()))
    assert kstest(together, lambda x: np.exp(-np.exp(-x))).pvalue > 1e-4
    by_game = np.array(
        [np.mean([v.mean() for (g, _), v in noise.items() if g == number]) for number in range(12)]
    )
    assert len(np.unique(by_game.round(6))) == 12
    halved = np.concatenate(list(noise_of_games(0.5).values()))
    assert halved.std() == pytest.approx(0.5 * np.pi / np.sqrt(6), rel=0.1)
    assert max(np.abs(values).max() for values in noise_of_games(0.0).values()) < 1e-5


# What a search must not know


def test_the_order_of_the_bag_reaches_no_tree_and_no_sample():
    """Two slots with the same position and the same stream, but other refills to come."""
    for settings in (SearchSettings(), SearchSettings(sampled_chance=True)):
        rules = RULES._replace(full_search_fraction=1.0)
        game_player = SelfPlay(ScatteredEvaluator(2), settings, rules, 2)
        slots = game_player._slots._replace(**game_player._games_to_play(np.arange(2)))
        tree, seen = game_player._tree, game_player._observations
        answer = game_player.evaluator(seen)
        assert play_on(slots, tree, settings, rules, *answer, seen) == 2
        slots.states[1] = slots.states[0]
        for trees in (tree.stream, tree.states, tree.games, tree.nodes):
            trees[1] = trees[0]
        slots.full[1] = slots.full[0]
        seen[1] = seen[0]
        assert slots.seeds[0] != slots.seeds[1]
        while slots.states[0, ROUND] == 1:
            used = int(tree.games[0]["nodes"])
            assert tree.games[0].tobytes() == tree.games[1].tobytes()
            assert tree.states[0, :used].tobytes() == tree.states[1, :used].tobytes()
            assert seen[0].tobytes() == seen[1].tobytes()
            assert slots.states[0].tobytes() == slots.states[1].tobytes()
            moves = int(slots.moves[0])
            assert play_on(slots, tree, settings, rules, *game_player.evaluator(seen), seen) == 2
        assert moves > 5
        count = slots.counts[self_play.SAMPLES]
        mine, other = (np.flatnonzero(slots.sample_games[:count] == game) for game in (0, 1))
        assert len(mine) == len(other) > 5
        for kept in (slots.sample_states, slots.sample_policies, slots.sample_values):
            assert kept[mine].tobytes() == kept[other].tobytes()
        assert slots.actions[0, :moves].tolist() == slots.actions[1, :moves].tolist()
        assert slots.states[0].tobytes() != slots.states[1].tobytes(), "the refills do differ"


def test_the_search_of_measured_games_weighs_values_otherwise_and_is_else_the_same():
    config = create_training_config(c_scale=0.125, eval_c_scale=0.75, max_considered_actions=9)
    assert search_settings(config).c_scale == 0.125
    assert playing_search(config) == search_settings(config)._replace(c_scale=0.75)
