"""Every job that a person starts from the menu or with `--run`, declared; imports none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from azul_tui.config import SettingSpec, training_settings, unknown_name
from azul_tui.errors import JobError

if TYPE_CHECKING:
    from azul_tui.config import SettingValue

Group = Literal["see", "train", "measure", "tool"]
GROUP_TITLES: dict[Group, str] = {
    "see": "see how it works",
    "train": "train",
    "measure": "measure",
    "tool": "tools",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSpec:
    """What is known of a job before it starts, for menu, `--help`, `--run` and forms."""

    name: str
    """For `--run`."""
    number: int | None = None
    """In the menu; None for those beyond it."""
    entry: str
    """`MODULE:FUNCTION` in `azul_tui.jobs`; the function takes a `JobContext`."""
    title: str
    description: str
    """Two sentences."""
    group: Group = "see"
    duration: str = "a few seconds"
    """On a laptop."""
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
    def makes_run(self) -> bool:
        """Whether it writes a run directory of its own."""
        return self.preset is not None

    @property
    def trains(self) -> bool:
        """Whether it takes the training settings."""
        return self.preset is not None or self.resumes


def _setting(kind: Any, name: str, default: SettingValue, help_: str, **more: Any) -> SettingSpec:
    return SettingSpec(name=name, kind=kind, default=default, help=help_, **more)


def _whole(name: str, default: int, help_: str, low: int, high: int) -> SettingSpec:
    return _setting("int", name, default, help_, minimum=low, maximum=high)


_TRAINING = {spec.name: spec for spec in training_settings()}
_SEED = _whole("seed", 0, "Where every random stream starts from.", 0, 2**32 - 1)
_DEVICE, _PLAYERS = _TRAINING["device"], _TRAINING["num_players"]
_SIZES = _TRAINING["network_config"].choices
_NETWORK = _setting("choice", "network_config", "small", "Size of the network.", choices=_SIZES)
_SIMULATIONS = _whole("simulations", 32, "Simulations a move; 0 plays the bare policy.", 0, 100_000)
_CHECKPOINT = _setting(
    "path",
    "checkpoint",
    "",
    "Checkpoint file or run to use; empty takes the best of the newest run.",
)

# A table, set as one.
# fmt: off
_ALL = (
    JobSpec(
        number=0, name="all", entry="demos:every_demo", title="All component demos",
        duration="about a minute",
        description="Runs the demos 1 to 5 and 7, one after the other. Shows in a minute that "
        "every part works on this machine.",
        settings=(_SEED,),
    ),
    JobSpec(
        number=1, name="losses", entry="demos:losses", title="Loss functions",
        description="Computes the policy, value and total loss of an untrained network on real "
        "positions and search policies. Shows how a temperature changes the policy loss.",
        settings=(_whole("batch_size", 8, "Positions in the batch.", 1, 4096), _NETWORK, _SEED),
    ),
    JobSpec(
        number=2, name="sampling", entry="demos:sampling", title="Batch sampling",
        description="Plays a few games into a replay buffer and draws batches from it. Shows the "
        "shapes of (state, policy, outcome) and how outcomes are spread.",
        settings=(
            _whole("batch_size", 16, "Positions in a batch.", 1, 65_536),
            _whole("games", 8, "Games played into the buffer.", 1, 10_000),
            _SEED,
        ),
    ),
    JobSpec(
        number=3, name="step", entry="demos:step", title="Training step",
        description="Takes one training step, then fifty more, on self-play positions. Shows the "
        "losses, how many steps succeeded and how long they took.",
        settings=(
            _whole("batch_size", 64, "Positions in a step.", 1, 65_536),
            _whole("steps", 50, "Steps after the first.", 1, 100_000),
            _NETWORK, _DEVICE, _SEED,
        ),
    ),
    JobSpec(
        number=4, name="checkpoints", entry="demos:checkpoints", title="Checkpoint management",
        description="Saves checkpoints at iterations 5, 10 and 15, keeping the latest three. Then "
        "loads the best one and says what it restored.",
        settings=(
            _whole("keep_latest_checkpoints", 3, "Checkpoints kept besides the best.", 1, 100),
            _NETWORK, _SEED,
        ),
    ),
    JobSpec(
        number=5, name="selfplay", entry="demos:selfplay", title="Self-play data generation",
        description="Plays three games of search against itself, move by move in notation. Shows "
        "what the games put into the replay buffer, one experience in full.",
        settings=(
            _whole("games", 3, "Games to play.", 1, 1_000),
            _whole("mcts_simulations", 32, "Simulations a move.", 1, 100_000),
            _PLAYERS, _NETWORK, _SEED,
        ),
    ),
    JobSpec(
        number=6, name="quick", entry="training:train", title="Quick training", group="train",
        duration="under two minutes", preset="quick",
        description="Trains a small network for a few iterations: self-play, learning, "
        "evaluation, checkpoints. Losses fall before your eyes, and random play is soon beaten.",
    ),
    JobSpec(
        number=7, name="components", entry="demos:components", title="Complete components",
        duration="half a minute",
        description="Puts buffer, training step and checkpoint manager together as the Python "
        "interface does: 20 iterations of 25 steps. Reloads the best model at the end.",
        settings=(
            _whole("iterations", 20, "Iterations.", 1, 10_000),
            _whole("steps", 25, "Steps an iteration.", 1, 10_000),
            _whole("batch_size", 64, "Positions in a step.", 1, 65_536),
            _NETWORK, _DEVICE, _SEED,
        ),
    ),
    JobSpec(
        number=8, name="train", entry="training:train", title="Full training", group="train",
        duration="hours", preset="laptop", asks=True,
        description="Trains a strong player with the settings that you choose, saving as it goes. "
        "Leave it overnight: it can be watched, paused, stopped and resumed at any time.",
    ),
    JobSpec(
        number=9, name="resume", entry="training:resume", title="Resume training", group="train",
        duration="as long as you let it", resumes=True,
        description="Goes on with a run from its newest good checkpoint, or from one you name. "
        "More iterations or changed settings are accepted and named in the log.",
        settings=(
            _setting("str", "run", "", "Run to go on with; empty takes the newest."),
            _setting("path", "checkpoint", "",
                "Checkpoint file to start from; empty takes the newest that verifies."),
        ),
    ),
    JobSpec(
        number=10, name="evaluate", entry="matches:evaluate", title="Evaluate a trained model",
        group="measure", duration="a minute",
        description="Plays a checkpoint against an opponent in pairs of games with swapped seats. "
        "Shows wins, draws, losses, the margin and how sure the score is.",
        settings=(
            _CHECKPOINT,
            _setting("player", "opponent", "greedy", "A scripted player or a checkpoint file."),
            _whole("games", 100, "Games to play.", 2, 1_000_000),
            _SIMULATIONS, _DEVICE, _SEED,
        ),
    ),
    JobSpec(
        name="bench", entry="bench:bench", title="Benchmark", group="measure",
        duration="a few minutes",
        description="Measures rules, search, network, self-play and training on this machine. "
        "Every figure is a median of several repetitions.",
        settings=(
            _setting("list", "only", (), "Parts to measure; empty measures all."),
            _whole("repetitions", 5, "Repetitions of each part.", 1, 100),
        ),
    ),
    JobSpec(
        name="arena", entry="matches:arena", title="Arena", group="measure",
        duration="minutes to hours",
        description="Plays a against b, or all named players against each other, in paired games. "
        "Shows scores, ratings and how sure they are.",
        settings=(
            _setting("player", "a", "", "A player; empty for a ladder."),
            _setting("player", "b", "", "Its opponent; empty for a ladder."),
            _setting("list", "players", ("random", "naive", "heuristic", "greedy"),
                "The ladder: scripted players, runs, checkpoint files; NAME@100 for 100 "
                "simulations a move."),
            _setting("bool", "one_table", False,
                "Seat all players at one table instead, every seating on each bag."),
            _setting("str", "run", "",
                "A run whose checkpoints join the ladder, which is then kept with it."),
            _whole("checkpoints", 8, "Checkpoints of the run on the ladder.", 1, 1000),
            _whole("games", 200, "Games of each pair of players.", 2, 1_000_000),
            _setting("float", "sequential_elo", 0.0,
                "End a match once a is proven stronger by this many Elo, or not; 0 plays "
                "on.", minimum=0.0, maximum=1000.0),
            _SIMULATIONS, _PLAYERS, _DEVICE, _SEED,
        ),
    ),
    JobSpec(
        name="play", entry="play:play", title="Play against it", group="tool",
        duration="as long as you like", needs_terminal=True,
        description="Plays a game with you in the terminal, move by move in notation. Your "
        "opponent is a checkpoint or a scripted player.",
        settings=(
            _setting("player", "opponent", "",
                "A scripted player or a checkpoint file; empty takes the best there is."),
            _whole("simulations", 128, "Simulations of its moves.", 0, 100_000),
            _whole("seat", 1, "Your seat.", 1, 4),
            _PLAYERS, _SEED,
        ),
    ),
    JobSpec(
        name="engine", entry="engine:engine", title="Engine for other programs", group="tool",
        duration="as long as it is asked", for_programs=True, loads_torch=False,
        description="Speaks a line protocol on standard input and output: positions, moves, "
        "searches, recorded games. The dashboard plays and analyses through it.",
    ),
    JobSpec(
        name="export", entry="training:export", title="Export weights", group="tool",
        description="Writes the weights of a checkpoint as a safetensors file. They are those "
        "that play, with the shape of the network beside them.",
        settings=(
            _CHECKPOINT,
            _setting("path", "output", "", "File to write; empty puts it beside the checkpoint."),
        ),
    ),
    JobSpec(
        name="doctor", entry="doctor:doctor", title="Doctor", group="tool", loads_torch=False,
        description="Looks at Python, torch, numba, devices, the terminal and the runs folder. "
        "Says in words what is wrong and what would help.",
    ),
    JobSpec(
        name="replay", entry="recorded_games:replay", title="Replay recorded games", group="tool",
        loads_torch=False,
        description="Replays a file of recorded games and compares every position with the rules. "
        "Names game, move and field of every disagreement.",
        settings=(_setting("path", "games", "", "A file of games in the trace format."),),
    ),
)
# fmt: on


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
    unknown = unknown_name("job", text, [spec.name for spec in _ALL], place="--run")
    raise JobError(f"{unknown}; azul-tui --help lists them")


def job_settings(spec: JobSpec) -> tuple[SettingSpec, ...]:
    """Everything that `--set` and a form may name for this job."""
    return (*spec.settings, *training_settings()) if spec.trains else spec.settings
