"""Settings of self-play and of the search in it."""

from __future__ import annotations

from dataclasses import dataclass

from azul_tui.config.declaring import setting


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayingSettings:
    """What decides the games that a network learns from."""

    # Self-play
    num_players: int = setting(2, "Players at the table.", 2, 4, group="self-play")
    self_play_games_per_iteration: int = setting(
        256, "Games played in one iteration.", 1, 1_000_000, group="self-play", live=True
    )
    parallel_games: int = setting(
        64,
        "Games that one worker plays in lockstep, hence the batch that the network sees.",
        1,
        65_536,
        group="self-play",
    )
    self_play_workers: int = setting(
        0,
        "Worker processes that play; 0 takes one for each usable core that memory has room for, at "
        "most 16, and with a GPU at most 8, which is a guess.",
        0,
        1024,
        group="self-play",
        exact=True,
    )
    temperature: float = setting(
        1.0,
        "Temperature at which moves are drawn early in a game, with Gumbel the scale of the noise "
        "at the root of every full search; 0 plays without noise.",
        0.0,
        10.0,
        group="self-play",
    )
    temperature_threshold: int = setting(
        20,
        "Moves of a game that are drawn at the temperature; afterwards the best move of the search "
        "is played. The noise at its root stays, so that some differ from a search without it.",
        0,
        1000,
        group="self-play",
    )

    # Search
    search: str = setting(
        "gumbel",
        "How root moves are chosen: Gumbel with sequential halving, or PUCT with noise.",
        group="search",
        choices=("gumbel", "puct"),
    )
    mcts_simulations: int = setting(
        32, "Simulations of a full search.", 1, 100_000, group="search", live=True
    )
    full_search_fraction: float = setting(
        1.0,
        "Share of moves with a full search; the others take fast_simulations and teach only "
        "the value. 1 searches every move fully.",
        0.01,
        1.0,
        group="search",
    )
    fast_simulations: int = setting(8, "Simulations of a fast search.", 1, 100_000, group="search")
    max_considered_actions: int = setting(
        16, "Root actions that a Gumbel search starts from.", 1, 300, group="search"
    )
    c_visit: float = setting(
        50.0, "Gumbel: visits added to the scale of the values.", 0.0, 1e6, group="search"
    )
    c_scale: float = setting(
        0.2, "Gumbel: weight of the values against the priors.", 0.0, 1e3, group="search"
    )
    c_puct: float = setting(
        1.5, "PUCT: weight of the priors against the values.", 0.0, 100.0, group="search"
    )
    dirichlet_alpha: float = setting(
        0.3, "PUCT: concentration of the noise at the root.", 0.001, 100.0, group="search"
    )
    dirichlet_fraction: float = setting(
        0.25, "PUCT: share of the noise in the root priors.", 0.0, 1.0, group="search"
    )
    chance: str = setting(
        "afterstate",
        "At the end of a round the search values the position before the refill, or walks on "
        "into one sampled refill, the same one whenever it comes along that edge again.",
        group="search",
        choices=("afterstate", "sampled"),
    )
