"""The jobs beyond those with a number: measuring, playing, tools."""

from __future__ import annotations

from azul_tui.config import SettingSpec
from azul_tui.jobs.shared_settings import CHECKPOINT, DEVICE, PLAYERS, SEED, SIMULATIONS, whole
from azul_tui.jobs.spec import JobSpec

FURTHER_JOBS: tuple[JobSpec, ...] = (
    JobSpec(
        name="bench",
        title="Benchmark",
        group="measure",
        description="Measures rules, search, network, self-play and training on this machine. "
        "Every figure is a median of several repetitions.",
        duration="a few minutes",
        settings=(
            SettingSpec(
                name="only", kind="list", default=(), help="Parts to measure; empty measures all."
            ),
            whole("repetitions", 5, "Repetitions of each part.", 1, 100),
        ),
    ),
    JobSpec(
        name="arena",
        title="Arena",
        group="measure",
        description="Plays a against b, or all named players against each other, in paired games. "
        "Shows scores, ratings and how sure they are.",
        duration="minutes to hours",
        settings=(
            SettingSpec(name="a", kind="player", default="", help="A player; empty for a ladder."),
            SettingSpec(
                name="b", kind="player", default="", help="Its opponent; empty for a ladder."
            ),
            SettingSpec(
                name="players",
                kind="list",
                default=("random", "naive", "heuristic", "greedy"),
                help="The ladder: scripted players, runs, checkpoint files; NAME@100 for 100 "
                "simulations a move.",
            ),
            SettingSpec(
                name="one_table",
                kind="bool",
                default=False,
                help="Seat all players at one table instead, every seating on each bag.",
            ),
            SettingSpec(
                name="run",
                kind="str",
                default="",
                help="A run whose checkpoints join the ladder, which is then kept with it.",
            ),
            whole("checkpoints", 8, "Checkpoints of the run on the ladder.", 1, 1000),
            whole("games", 200, "Games of each pair of players.", 2, 1_000_000),
            SettingSpec(
                name="sequential_elo",
                kind="float",
                default=0.0,
                help="End a match once a is proven stronger by this many Elo, or not; 0 plays on.",
                minimum=0.0,
                maximum=1000.0,
            ),
            SIMULATIONS,
            PLAYERS,
            DEVICE,
            SEED,
        ),
    ),
    JobSpec(
        name="play",
        title="Play against it",
        group="tool",
        description="Plays a game with you in the terminal, move by move in notation. "
        "Your opponent is a checkpoint or a scripted player.",
        duration="as long as you like",
        settings=(
            SettingSpec(
                name="opponent",
                kind="player",
                default="",
                help="A scripted player or a checkpoint file; empty takes the best there is.",
            ),
            whole("simulations", 128, "Simulations of its moves.", 0, 100_000),
            whole("seat", 1, "Your seat.", 1, 4),
            PLAYERS,
            SEED,
        ),
        needs_terminal=True,
    ),
    JobSpec(
        name="engine",
        loads_torch=False,
        title="Engine for other programs",
        group="tool",
        description="Speaks a line protocol on standard input and output: positions, moves, "
        "searches, recorded games. The dashboard plays and analyses through it.",
        duration="as long as it is asked",
        for_programs=True,
    ),
    JobSpec(
        name="export",
        title="Export weights",
        group="tool",
        description="Writes the weights of a checkpoint as a safetensors file. "
        "They are those that play, with the shape of the network beside them.",
        duration="a few seconds",
        settings=(
            CHECKPOINT,
            SettingSpec(
                name="output",
                kind="path",
                default="",
                help="File to write; empty puts it beside the checkpoint.",
            ),
        ),
    ),
    JobSpec(
        name="doctor",
        loads_torch=False,
        title="Doctor",
        group="tool",
        description="Looks at Python, torch, numba, devices, the terminal and the runs folder. "
        "Says in words what is wrong and what would help.",
        duration="a few seconds",
    ),
    JobSpec(
        name="replay",
        loads_torch=False,
        title="Replay recorded games",
        group="tool",
        description="Replays a file of recorded games and compares every position with the rules. "
        "Names game, move and field of every disagreement.",
        duration="a few seconds",
        settings=(
            SettingSpec(
                name="games", kind="path", default="", help="A file of games in the trace format."
            ),
        ),
    ),
)
