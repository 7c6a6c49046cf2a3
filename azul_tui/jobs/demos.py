"""Jobs 0 to 5 and 7: each part of a training at work on games that an untrained network plays."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch

from azul_tui.errors import AzulError, JobFailedError
from azul_tui.game.constants import AFTERSTATE, MOVING, PHASE, ROUND, TO_MOVE, state_size
from azul_tui.game.notation import describe_move, format_move, format_position
from azul_tui.game.random import GAME, derive
from azul_tui.game.rules import apply_canonical, clear_game, refill_canonical, score_of, winner_mask
from azul_tui.game.view import view_position
from azul_tui.jobs.registry import find_job
from azul_tui.network import create_azul_network
from azul_tui.network.losses import LossFunctions, policy_cross_entropy_loss
from azul_tui.training.learner import create_training_components
from azul_tui.training.replay import ReplayBuffer
from azul_tui.training.self_play import self_play_games
from azul_tui.training.training_step import BatchSampler, StepReport, TrainingStep
from azul_tui.training.workers import compile_kernels

if TYPE_CHECKING:
    from azul_tui.jobs.start import JobContext
    from azul_tui.network import AzulNetwork
    from azul_tui.training.game_records import GameBatch, PlayedGame


# -- what the demos share: an untrained network, and real games that it played


class Demo(NamedTuple):
    """A network and the games that it played against itself."""

    network: AzulNetwork
    batch: GameBatch
    buffer: ReplayBuffer


def new_network(context: JobContext, players: int = 2) -> AzulNetwork:
    """An untrained network, decided by the job's seed alone."""
    preset = str(context.settings.get("network_config", "small"))
    with torch.random.fork_rng():  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        torch.manual_seed(context.integer("seed"))  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        return create_azul_network(preset, players)


def compile_with_progress(context: JobContext, players: int = 2) -> None:
    """Compile the kernels, with a record a stage when they are not compiled yet."""

    def report(done: int, total: int, name: str, seconds: float) -> None:
        context.reporter.record(
            "compile", done=done, total=total, name=name, seconds=round(seconds, 2)
        )

    compile_kernels(players, report)


def play_games(context: JobContext, games: int, *, players: int = 2, simulations: int = 16) -> Demo:
    """Let an untrained network play real games with real search.

    Raises:
        JobFailedError: Somebody asked to stop.
    """
    compile_with_progress(context, players)
    network = new_network(context, players)
    started = time.monotonic()
    batch = self_play_games(
        network,
        games,
        simulations=simulations,
        seed=context.integer("seed"),
        on_progress=lambda seen: context.reporter.progress(seen.games, games, "games"),
        should_stop=context.stop.is_set,
    )
    if batch is None:
        raise JobFailedError("stopped before the games were played")
    buffer = ReplayBuffer(max(1, len(batch.states)), players)
    buffer.add(batch.states, batch.policies, batch.outcomes)
    seconds = time.monotonic() - started
    context.reporter.record(
        "self_play",
        iteration=0,
        games=batch.tally.games,
        positions=len(batch.states),
        seconds=round(seconds, 3),
        sims_per_s=batch.tally.simulations / seconds,
        mean_moves=batch.tally.moves / max(1, batch.tally.games),
        simulations=batch.tally.simulations,
    )
    return Demo(network, batch, buffer)


def _games_for(batch_size: int, least: int) -> int:
    """Games that surely fill a batch: each has some fifty positions."""
    return max(least, -(-batch_size // 50))


# -- the demos


def every_demo(context: JobContext) -> dict[str, Any]:
    """Job 0: run each demo with its defaults and this job's seed; `ok` when all of them are."""
    reporter = context.reporter
    outcomes: dict[str, Any] = {}
    specs = {name: find_job(name) for name in DEMOS}

    def record(name: str, state: str, **fields: object) -> None:
        number = list(DEMOS).index(name) + 1
        title = specs[name].title
        reporter.record("part", name=name, title=title, state=state, **fields, number=number)

    for name in DEMOS:
        record(name, "waiting")
    for number, (name, demo) in enumerate(DEMOS.items(), start=1):
        if context.stop.is_set():
            break
        reporter.say(f"── {number} of {len(DEMOS)}: {specs[name].title} ──")
        record(name, "running")
        settings = {setting.name: setting.default for setting in specs[name].settings}
        settings["seed"] = context.settings["seed"]
        started = time.monotonic()
        try:
            outcome = demo(dataclasses.replace(context, spec=specs[name], settings=settings))
        except AzulError as error:
            reporter.say(str(error))
            outcome = {"error": str(error), "ok": False}
        outcomes[name] = outcome
        state = "done" if outcome.get("ok", True) else "failed"
        record(name, state, seconds=round(time.monotonic() - started, 2))
        reporter.say("")
    failed = [name for name in DEMOS if "error" in outcomes.get(name, {"error": "not run"})]
    told = f"failed: {', '.join(failed)}" if failed else f"all {len(DEMOS)} components work"
    reporter.say(told)
    return {"ok": not failed, "failed": failed, "parts": outcomes}


def losses(context: JobContext) -> dict[str, Any]:
    """Job 1: losses of one batch, then the policy loss at three temperatures."""
    say = context.reporter.say
    size = context.integer("batch_size")
    demo = play_games(context, _games_for(size, 2))
    batch = BatchSampler(demo.buffer, size, seed=context.integer("seed")).sample_batch()
    assert batch is not None
    demo.network.eval()
    with torch.inference_mode():
        logits, value = demo.network.forward_with_logits(batch.state)
        total, policy, error = LossFunctions().combined_loss(
            logits, value, batch.policy, batch.outcome
        )
        by_temperature = {
            temperature: policy_cross_entropy_loss(logits, batch.policy, temperature).item()
            for temperature in (0.1, 1.0, 2.0)
        }
    counts = demo.network.legal_actions(batch.state).sum(dim=1).float()
    legal = counts.mean().item()
    blind = counts[batch.policy.sum(dim=1) > 0].log().mean().item()
    say(f"batch of {size} positions from self-play, {legal:.1f} legal moves each")
    say(f"  policy loss  {policy.item():.4f} nats (choosing blindly costs {blind:.2f})")
    say(f"  value loss   {error.item():.4f} (always saying 0 costs about 1)")
    say(f"  total loss   {total.item():.4f}")
    say("policy loss by temperature: below 1 sharpens the network's policy, above 1 flattens it")
    names = ("total_loss", "policy_loss", "value_loss")
    fields = {name: loss.item() for name, loss in zip(names, (total, policy, error), strict=True)}
    context.reporter.record(
        "losses", batch_size=size, legal_moves=legal, blind_loss=blind, **fields
    )
    for temperature, loss in by_temperature.items():
        say(f"  {temperature:>4}  {loss:8.4f} nats")
        context.reporter.record("temperature", temperature=temperature, policy_loss=loss)
    temperatures = {str(key): loss for key, loss in by_temperature.items()}
    return {**fields, "batch_size": size, "temperatures": temperatures}


_OUTCOME_BINS: Final = ((-1.01, -0.6), (-0.6, -0.2), (-0.2, 0.2), (0.2, 0.6), (0.6, 1.01))


def sampling(context: JobContext) -> dict[str, Any]:
    """Job 2: shapes of (state, policy, outcome) for three batches, and how outcomes are spread."""
    say = context.reporter.say
    size = context.integer("batch_size")
    demo = play_games(context, context.integer("games"))
    say(f"replay buffer: {len(demo.buffer):,} positions from {demo.batch.tally.games} games")
    sampler = BatchSampler(demo.buffer, size, seed=context.integer("seed"))
    shapes: list[dict[str, list[int]]] = []
    for number in range(1, 4):
        batch = sampler.sample_batch()
        if batch is None:
            say(_no_batch(size, demo))
            break
        shapes.append({name: list(tensor.shape) for name, tensor in batch._asdict().items()})
        histogram = [
            int(((batch.outcome > low) & (batch.outcome <= high)).sum())
            for low, high in _OUTCOME_BINS
        ]
        say(
            f"batch {number}: state {tuple(batch.state.shape)}, policy "
            f"{tuple(batch.policy.shape)}, outcome {tuple(batch.outcome.shape)}; "
            f"lost {histogram[0]}, level {sum(histogram[1:4])}, won {histogram[4]}"
        )
        context.reporter.record(
            "batch",
            number=number,
            buffer_size=len(demo.buffer),
            batch_size=size,
            **shapes[-1],
            outcome_bins=_OUTCOME_BINS,
            outcome_histogram=histogram,
            with_policy=int((batch.policy.sum(dim=1) > 0).sum()),
        )
    return {"buffer_size": len(demo.buffer), "batch_size": size, "batches": shapes}


def _no_batch(size: int, demo: Demo) -> str:
    return f"no batch yet: {size} positions are wanted, the buffer has {len(demo.buffer)}"


def step(context: JobContext) -> dict[str, Any]:
    """Job 3: one step's losses, then averages over the steps that follow."""
    say = context.reporter.say
    size, steps = context.integer("batch_size"), context.integer("steps")
    demo = play_games(context, _games_for(size, 16))
    parameters, positions = demo.network.parameter_count, len(demo.buffer)
    say(f"network {demo.network.description.preset}: {parameters:,} parameters")
    say(f"replay buffer: {positions:,} positions")
    sampler = BatchSampler(demo.buffer, size, context.text("device"), seed=context.integer("seed"))
    training = TrainingStep(demo.network, sampler)
    first = training.single_training_step()
    if first is None:
        say(_no_batch(size, demo))
        return {"ok": False, "buffer_size": positions}
    say(
        f"one step: total {first['total_loss']:.4f}, policy {first['policy_loss']:.4f}, "
        f"value {first['value_loss']:.4f}"
    )
    context.reporter.record("single_step", parameters=parameters, buffer_size=positions, **first)

    def on_step(seen: StepReport) -> None:
        context.reporter.record("step", iteration=1, **dataclasses.asdict(seen))

    result = training.train_for_steps(steps, on_step=on_step)
    say(
        f"{result['successful_steps']} of {steps} steps in {result['training_time']:.2f} s, on "
        f"average: total {result['total_loss']:.4f}, policy {result['policy_loss']:.4f}, "
        f"value {result['value_loss']:.4f}"
    )
    return {"parameters": parameters, "buffer_size": positions, "first_step": first, **result}


def checkpoints(context: JobContext) -> dict[str, Any]:
    """Job 4: save at 5, 10 and 15; show the history; load the best and say what came back."""
    say = context.reporter.say
    demo = play_games(context, 8)
    with tempfile.TemporaryDirectory(prefix="azul-tui-") as folder:
        training, manager = create_training_components(
            model=demo.network,
            replay_buffer=demo.buffer,
            batch_size=64,
            save_dir=folder,
            save_frequency=5,
            keep_latest=context.integer("keep_latest_checkpoints"),
        )
        for iteration in range(1, 16):
            stats = training.train_for_steps(20)
            if not manager.should_save_checkpoint(iteration):
                continue
            # The demo has no opponent at hand: a lower loss counts as a better score.
            score = -stats["total_loss"]
            path = manager.save_checkpoint(
                training.model, training.optimizer, iteration, stats, score
            )
            size = path.stat().st_size
            say(f"saved {path.name}: {size / 1e6:.1f} MB, score {score:.4f}")
            context.reporter.record(
                "checkpoint",
                iteration=iteration,
                file=path.name,
                score=score,
                best=manager.best_score == score,
                bytes=size,
            )
        files = sorted(path.name for path in Path(folder).glob("*.pt"))
        say("files: " + ", ".join(files))
        best = manager.get_best_checkpoint()
        assert best is not None
        fresh = new_network(context)
        restored = manager.load_checkpoint(best, fresh)
        pairs = zip(training.model.state_dict().values(), fresh.state_dict().values(), strict=True)
        same = all(torch.equal(mine, loaded) for mine, loaded in pairs)
        say(
            f"loaded {best.name}: iteration {restored['iteration']}, score "
            f"{restored['score']:.4f}, {fresh.parameter_count:,} parameters restored"
            + (", equal to those in memory" if same else "")
        )
        history = [
            {"iteration": entry.iteration, "score": entry.score, "file": entry.file}
            for entry in manager.checkpoint_history
        ]
        return {
            "files": files,
            "history": history,
            "best_score": manager.best_score,
            "restored_iteration": restored["iteration"],
            "parameters": fresh.parameter_count,
        }


def selfplay(context: JobContext) -> dict[str, Any]:
    """Job 5: every move of every game, then statistics and one experience in full."""
    players = context.integer("num_players")
    demo = play_games(
        context,
        context.integer("games"),
        players=players,
        simulations=context.integer("mcts_simulations"),
    )
    for game in demo.batch.games:
        _show_game(context, game, players)
    tally = demo.batch.tally
    say = context.reporter.say
    say(
        f"{tally.games} games, {tally.moves / tally.games:.1f} moves each; first seat won "
        f"{tally.first_seat_wins:g}, shared {tally.draws}"
    )
    size = demo.buffer.bytes_per_position
    say(f"replay buffer: {len(demo.buffer):,} positions, {size} bytes each")
    return {
        "games": tally.games,
        "moves": tally.moves,
        "simulations": tally.simulations,
        "positions": len(demo.buffer),
        "mean_moves": tally.moves / tally.games,
        "experience": _show_experience(context, demo.batch, players),
    }


def _show_game(context: JobContext, game: PlayedGame, players: int) -> None:
    """One game, a line a round, with a record a move."""
    seed = np.uint64(derive(np.uint64(context.integer("seed")), GAME, game.number))
    stream = np.zeros(1, np.uint64)
    state = np.zeros(state_size(players), np.int8)
    clear_game(state, players)
    say = context.reporter.say
    say(f"game {game.number}")
    line: list[str] = []
    scores: list[int] = []
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
            say("           scores " + " : ".join(map(str, scores)))
    mask = int(winner_mask(state))
    winners = [seat + 1 for seat in range(players) if mask >> seat & 1]
    say(
        f"  {len(game.actions)} moves, final scores {' : '.join(map(str, scores))}, won by player "
        + " and ".join(map(str, winners))
    )
    context.reporter.record(
        "game", game=game.number, moves=len(game.actions), scores=scores, winners=winners
    )


def _show_experience(context: JobContext, batch: GameBatch, players: int) -> dict[str, Any]:
    """One position of the buffer with its search policy and its outcome."""
    index = int(np.argmax(batch.policies.max(axis=1) > 0))
    position = format_position(view_position(batch.states[index]))
    policy = batch.policies[index].astype(np.float32)
    likely = np.argsort(-policy, kind="stable")[:5]
    outcome = [float(value) for value in batch.outcomes[index]]
    moves = {format_move(int(action), players): float(policy[action]) for action in likely}
    say = context.reporter.say
    say("one experience in full:")
    say(f"  position  {position}")
    say("  policy    " + "  ".join(f"{move} {share:.1%}" for move, share in moves.items()))
    say(f"  outcome   {' '.join(f'{value:+.2f}' for value in outcome)} for the player to move")
    experience: dict[str, Any] = {"position": position, "policy": moves, "outcome": outcome}
    context.reporter.record("experience", **experience)
    return experience


def components(context: JobContext) -> dict[str, Any]:
    """Job 7: the Python interface by hand, a line every five iterations."""
    reporter = context.reporter
    iterations, steps = context.integer("iterations"), context.integer("steps")
    size = context.integer("batch_size")
    demo = play_games(context, _games_for(size, 48))
    reporter.say(f"replay buffer: {len(demo.buffer):,} positions; batch {size}")
    with tempfile.TemporaryDirectory(prefix="azul-tui-") as folder:
        training, manager = create_training_components(
            model=demo.network,
            replay_buffer=demo.buffer,
            batch_size=size,
            save_dir=folder,
            save_frequency=5,
            device=context.text("device"),
        )
        history: list[dict[str, float]] = []
        losses = ("total_loss", "policy_loss", "value_loss")
        shown = (*losses, "successful_steps", "training_time")
        for iteration in range(1, iterations + 1):
            stats = training.train_for_steps(steps)
            history.append(stats)
            if manager.should_save_checkpoint(iteration):
                reporter.record(
                    "iteration", iteration=iteration, **{key: stats[key] for key in shown}
                )
                manager.save_checkpoint(
                    training.model, training.optimizer, iteration, stats, -stats["total_loss"]
                )
            else:
                reporter.progress(iteration, iterations, "iterations")
            if context.stop.is_set():
                break
        restored: int | None = None
        if best := manager.get_best_checkpoint():
            restored = manager.load_checkpoint(best, new_network(context))["iteration"]
            reporter.say(f"{best.name} loaded again: iteration {restored}")
    first, (last, policy, value) = history[0]["total_loss"], (history[-1][key] for key in losses)
    reporter.say(f"total loss from {first:.4f} to {last:.4f}")
    return {
        "iterations": iterations,
        "first_loss": first,
        "last_loss": last,
        "policy_loss": policy,
        "value_loss": value,
        "restored_iteration": restored,
    }


DEMOS: Final = {
    "losses": losses,
    "sampling": sampling,
    "step": step,
    "checkpoints": checkpoints,
    "selfplay": selfplay,
    "components": components,
}
