"""Every job that a person starts from the menu or with `--run`, declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from azul_tui.config import SettingSpec, training_settings, unknown_name
from azul_tui.errors import JobError

# -- what is known of a job before it starts, for menu, `--help`, `--run` and forms

Group = Literal["see", "train", "measure", "tool"]
GROUP_TITLES: dict[Group, str] = {
    "see": "see how it works",
    "train": "train",
    "measure": "measure",
    "tool": "tools",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec:
    """One job."""

    name: str
    """For `--run`."""
    number: int | None = None
    """In the menu; None for those beyond it."""
    title: str
    group: Group
    description: str
    """Two sentences."""
    duration: str
    """How long it takes on a laptop, in words."""
    settings: tuple[SettingSpec, ...] = ()
    """Its own settings; see `job_settings` for those of training too."""
    preset: str | None = None
    """The preset that a job which makes a run starts from."""
    resumes: bool = False
    """Goes on with a run that exists: training settings are changes to it."""
    asks: bool = False
    """Long enough that a person is asked before it starts."""
    needs_terminal: bool = False
    """Talks with a person while it runs."""
    for_programs: bool = False
    """Talks with another program while it runs, so that no menu offers it."""
    loads_torch: bool = True
    """Whether it begins with a library that takes seconds to load, and says so."""

    @property
    def module(self) -> str:
        """The module whose `run(context)` does it."""
        return f"azul_tui.jobs.{self.name.replace('-', '_')}"

    @property
    def makes_run(self) -> bool:
        """Whether it writes a run directory of its own."""
        return self.preset is not None

    @property
    def trains(self) -> bool:
        """Whether it takes the training settings."""
        return self.preset is not None or self.resumes


# -- settings that several jobs take, apart from those of training


def whole(name: str, default: int, help_: str, low: int, high: int) -> SettingSpec:
    """A whole number from `low` to `high`."""
    return SettingSpec(
        name=name, kind="int", default=default, help=help_, minimum=low, maximum=high
    )


_TRAINING = {spec.name: spec for spec in training_settings()}
SEED = whole("seed", 0, "Where every random stream starts from.", 0, 2**32 - 1)
DEVICE = _TRAINING["device"]
NETWORK = SettingSpec(
    name="network_config",
    kind="choice",
    default="small",
    help="Size of the network.",
    choices=_TRAINING["network_config"].choices,
)
PLAYERS = _TRAINING["num_players"]
SIMULATIONS = whole("simulations", 32, "Simulations a move; 0 plays the bare policy.", 0, 100_000)
CHECKPOINT = SettingSpec(
    name="checkpoint",
    kind="path",
    default="",
    help="Checkpoint file or run to use; empty takes the best of the newest run.",
)


# -- the jobs with a number in the menu, 0 to 10

MENU_JOBS: tuple[JobSpec, ...] = (
    JobSpec(
        number=0,
        name="all",
        title="All component demos",
        group="see",
        description="Runs the demos 1 to 5 and 7, one after the other. "
        "Shows in a minute that every part works on this machine.",
        duration="about a minute",
        settings=(SEED,),
    ),
    JobSpec(
        number=1,
        name="losses",
        title="Loss functions",
        group="see",
        description="Computes the policy, value and total loss of an untrained network on real "
        "positions and search policies. Shows how a temperature changes the policy loss.",
        duration="a few seconds",
        settings=(whole("batch_size", 8, "Positions in the batch.", 1, 4096), NETWORK, SEED),
    ),
    JobSpec(
        number=2,
        name="sampling",
        title="Batch sampling",
        group="see",
        description="Plays a few games into a replay buffer and draws batches from it. "
        "Shows the shapes of (state, policy, outcome) and how outcomes are spread.",
        duration="a few seconds",
        settings=(
            whole("batch_size", 16, "Positions in a batch.", 1, 65_536),
            whole("games", 8, "Games played into the buffer.", 1, 10_000),
            SEED,
        ),
    ),
    JobSpec(
        number=3,
        name="step",
        title="Training step",
        group="see",
        description="Takes one training step, then fifty more, on self-play positions. "
        "Shows the losses, how many steps succeeded and how long they took.",
        duration="a few seconds",
        settings=(
            whole("batch_size", 64, "Positions in a step.", 1, 65_536),
            whole("steps", 50, "Steps after the first.", 1, 100_000),
            NETWORK,
            DEVICE,
            SEED,
        ),
    ),
    JobSpec(
        number=4,
        name="checkpoints",
        title="Checkpoint management",
        group="see",
        description="Saves checkpoints at iterations 5, 10 and 15, keeping the latest three. "
        "Then loads the best one and says what it restored.",
        duration="a few seconds",
        settings=(
            whole("keep_latest_checkpoints", 3, "Checkpoints kept besides the best.", 1, 100),
            NETWORK,
            SEED,
        ),
    ),
    JobSpec(
        number=5,
        name="selfplay",
        title="Self-play data generation",
        group="see",
        description="Plays three games of search against itself, move by move in notation. "
        "Shows what the games put into the replay buffer, one experience in full.",
        duration="a few seconds",
        settings=(
            whole("games", 3, "Games to play.", 1, 1_000),
            whole("mcts_simulations", 32, "Simulations a move.", 1, 100_000),
            PLAYERS,
            NETWORK,
            SEED,
        ),
    ),
    JobSpec(
        number=6,
        name="quick",
        title="Quick training",
        group="train",
        description="Trains a small network for a few iterations: self-play, learning, "
        "evaluation, checkpoints. Losses fall before your eyes, and random play is soon beaten.",
        duration="under two minutes",
        preset="quick",
    ),
    JobSpec(
        number=7,
        name="components",
        title="Complete components",
        group="see",
        description="Puts buffer, training step and checkpoint manager together as the Python "
        "interface does: 20 iterations of 25 steps. Reloads the best model at the end.",
        duration="half a minute",
        settings=(
            whole("iterations", 20, "Iterations.", 1, 10_000),
            whole("steps", 25, "Steps an iteration.", 1, 10_000),
            whole("batch_size", 64, "Positions in a step.", 1, 65_536),
            NETWORK,
            DEVICE,
            SEED,
        ),
    ),
    JobSpec(
        number=8,
        name="train",
        title="Full training",
        group="train",
        description="Trains a strong player with the settings that you choose, saving as it goes. "
        "Leave it overnight: it can be watched, paused, stopped and resumed at any time.",
        duration="hours",
        preset="laptop",
        asks=True,
    ),
    JobSpec(
        number=9,
        name="resume",
        title="Resume training",
        group="train",
        description="Goes on with a run from its newest good checkpoint, or from one you name. "
        "More iterations or changed settings are accepted and named in the log.",
        duration="as long as you let it",
        settings=(
            SettingSpec(
                name="run",
                kind="str",
                default="",
                help="Run to go on with; empty takes the newest.",
            ),
            SettingSpec(
                name="checkpoint",
                kind="path",
                default="",
                help="Checkpoint file to start from; empty takes the newest that verifies.",
            ),
        ),
        resumes=True,
    ),
    JobSpec(
        number=10,
        name="evaluate",
        title="Evaluate a trained model",
        group="measure",
        description="Plays a checkpoint against an opponent in pairs of games with swapped seats. "
        "Shows wins, draws, losses, the margin and how sure the score is.",
        duration="a minute",
        settings=(
            CHECKPOINT,
            SettingSpec(
                name="opponent",
                kind="player",
                default="greedy",
                help="A scripted player or a checkpoint file.",
            ),
            whole("games", 100, "Games to play.", 2, 1_000_000),
            SIMULATIONS,
            DEVICE,
            SEED,
        ),
    ),
)


# -- the jobs beyond those with a number: measuring, playing, tools

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


# -- every job: its number in the menu, its name for `--run`, what it does, what it takes
#
# The menu, `--help`, `--run` and the forms are made from this list. It imports no job.

_ALL = (*MENU_JOBS, *FURTHER_JOBS)


def jobs() -> tuple[JobSpec, ...]:
    """Every job, those of the menu first and by number."""
    return _ALL


def find_job(text: str) -> JobSpec:
    """The job of that name or menu number.

    Raises:
        JobError: There is none; the nearest known one is offered.
    """
    for spec in _ALL:
        if text == spec.name or (spec.number is not None and text == str(spec.number)):
            return spec
    told = unknown_name("job", text, [spec.name for spec in _ALL], place="--run")
    raise JobError(f"{told}; azul-tui --help lists them")


def job_settings(spec: JobSpec) -> tuple[SettingSpec, ...]:
    """Everything that `--set` and a form may name for this job."""
    return (*spec.settings, *training_settings()) if spec.trains else spec.settings
