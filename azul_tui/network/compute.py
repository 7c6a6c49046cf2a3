"""What a run computes with: device, implementation, number formats and threads.

Which of them is fastest differs between processors, networks and batches by more than a factor of
two in either direction, and no list of capabilities tells. So the real candidates are timed on the
real network for a fifth of a second, and what was found is remembered beside the compiled kernels:
two runs of one seed on one machine compute alike, bit for bit.

`resolve_compute` decides once for a run. Workers, evaluations and the training step are handed the
value and time nothing themselves; a checkpoint keeps it, and a resumed run passes it back.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import hashlib
import json
import os
import platform
import statistics
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, cast

import msgspec
import numpy as np
import torch

from azul_tui import __version__
from azul_tui.errors import ConfigError
from azul_tui.game.constants import COLOR_COUNT
from azul_tui.network.amx import create_tile_inference, has_tiles
from azul_tui.network.inference import DeviceInference, FoldedInference
from azul_tui.network.losses import LossFunctions
from azul_tui.network.model import AzulNetwork, tensor_of
from azul_tui.network.vectors import (
    create_vector_inference,
    has_vectors,
    host_features,
    whole_blocks,
)
from azul_tui.runs.files import decoded, read_bounded
from azul_tui.runs.machine import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from torch import Tensor

    from azul_tui.config import TrainingConfig
    from azul_tui.game.kernel import Float32Array, Int8Array
    from azul_tui.network.inference import Inference
    from azul_tui.network.model import NetworkDescription

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
PRECISIONS: Final = ("auto", "float32", "bfloat16")

INFERENCE_S: Final = 0.04
"""Seconds for timing the candidates for inference."""
TRAINING_S: Final = 0.06
"""Seconds for timing the candidates for training, whose calls are longer."""
_MOST_ROWS: Final = 1024
"""Rows of the largest batch that is evaluated to time it; more of them change nothing."""
_FIRST_ROWS: Final = 128
"""Rows of a training step that tells how many there is time for."""
_PLAIN_WINS: Final = 0.97
"""A candidate must take less than this share of the plain one's time: noise decides nothing."""
_LONGEST_NAME: Final = 200
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_NAME)]
_LARGEST_FILE: Final = 1 << 16


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Compute:
    """How the numbers of a run are computed; the same value gives the same bits."""

    device: _Name
    """Where the network is evaluated and trained: "cpu", "cuda", "cuda:1", "mps"."""
    inference: _Name
    """Name of the implementation that evaluates the network; see `inference_candidates`."""
    inference_precision: _Name
    """"float32" or "bfloat16"."""
    training_precision: _Name
    """"float32" or "bfloat16" (autocast; weights stay float32)."""
    threads: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    """Of torch where the network is trained; inference has one thread in each worker."""
    processor: _Name
    """Kind of the processor, or of the GPU that computes, on which this was decided."""
    torch: _Name
    """Version of torch with which this was decided."""
    summary: str = dataclasses.field(default="", compare=False)
    """The choice and what timing said of it, in words for people; not kept by `to_plain`."""

    def to_plain(self) -> dict[str, str | int]:
        """Plain types only; `from_plain` reads them back."""
        return {name: getattr(self, name) for name in _KEPT}

    @classmethod
    def from_plain(cls, fields: object) -> Compute | None:
        """What `to_plain` wrote; None for anything else, as in files that do not name it."""
        try:
            return dataclasses.replace(msgspec.convert(fields, cls), summary="")
        except msgspec.ValidationError:
            return None


_KEPT: Final = tuple(field.name for field in dataclasses.fields(Compute) if field.compare)


class Candidate(NamedTuple):
    """One way to evaluate a network on a device."""

    implementation: str
    precision: str

    @property
    def name(self) -> str:
        """Both in one word, for files and tables."""
        return f"{self.implementation}-{self.precision}"

    @property
    def words(self) -> str:
        """For people."""
        extra = {"amx": " with AMX", "vectors": " in one kernel", "folded": " by torch's products"}
        return self.precision + extra.get(self.implementation, "")


class Timing(NamedTuple):
    """What timing found."""

    chosen: str
    seconds: Mapping[str, float]
    """Of one call, by candidate; empty when there was nothing to choose from."""

    def summary(self, names: Mapping[str, str], where: str) -> str:
        """The choice in words, with how many times as fast as the next best it is."""
        words = f"{names[self.chosen]} {where}"
        others = {name: took for name, took in self.seconds.items() if name != self.chosen}
        if not others:
            return words
        next_best = min(others, key=others.__getitem__)
        ratio = others[next_best] / self.seconds[self.chosen]
        if round(ratio, 1) <= 1.0:
            return f"{words}, level with {names[next_best]}"
        return f"{words}, {ratio:.1f} times as fast as {names[next_best]}"


# -- what there is to choose from


def resolve_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is CUDA where there is one, else the processor.

    "auto" never picks MPS: networks of this size spend more time on its launches than a
    processor takes to evaluate them.

    Raises:
        ConfigError: The name is unknown or this machine has no such device.
    """
    kind = name.partition(":")[0]
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind not in DEVICES:
        raise ConfigError(f"device must be one of {', '.join(DEVICES)}, got {name!r}")
    available = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if kind != "cpu" and not available[kind]():
        raise ConfigError(
            f"device is {name!r} but this machine's torch {torch.__version__} finds none; "
            "use device = 'auto' or 'cpu'"
        )
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is not a device: use 'cuda' or 'cuda:0'") from error


def precisions_to_try(name: str, device: torch.device) -> tuple[str, ...]:
    """The number formats that a setting leaves open, the plain one first.

    bfloat16 is tried where instructions for it exist: elsewhere it is emulated, and so slowly
    that a fifth of a second would not be enough to find out.

    Raises:
        ConfigError: There is no such precision.
    """
    if name not in PRECISIONS:
        raise ConfigError(f"precision must be one of {', '.join(PRECISIONS)}, got {name!r}")
    if name != "auto":
        return (name,)
    return ("float32", "bfloat16") if has_bfloat16(device) else ("float32",)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; whether they pay is for timing to say."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    features = host_features()
    return any(features.get(name) for name in ("avx512bf16", "amx-bf16", "bf16"))


def inference_candidates(
    description: NetworkDescription, device: torch.device, precision: str = "auto"
) -> dict[Candidate, Callable[[int], Inference]]:
    """Every way to evaluate the network on the device in that precision, the plain one first.

    Each with what makes it, without weights, for a batch size: "folded" (a processor), "vectors"
    (a processor, float32), "amx" (one with that extension, bfloat16) or "graph" (a GPU).
    """
    found: dict[Candidate, Callable[[int], Inference]] = {}
    for each in precisions_to_try(precision, device):
        dtype = torch.bfloat16 if each == "bfloat16" else torch.float32
        if device.type != "cpu":
            found[Candidate("graph", each)] = partial(DeviceInference, description, device, dtype)
            continue
        found[Candidate("folded", each)] = partial(FoldedInference, description, dtype)
        if each == "float32" and has_vectors() and whole_blocks(description):
            found[Candidate("vectors", each)] = partial(create_vector_inference, description)
        if each == "bfloat16" and has_tiles() and whole_blocks(description):
            found[Candidate("amx", each)] = partial(create_tile_inference, description)
    return found


class NetworkEvaluator:
    """A network frozen for inference: `evaluator(observations) -> (logits, values)`.

    A row's result depends on its own observation and on B, never on the other rows or on where it
    stands among them; B is fixed because matrix products of another size may round differently.
    In bfloat16 an untrained network's legal logits are off by at most 0.004, its values by 0.003.

    Args:
        network: Read now and in `load_network`; training it changes nothing here.
        batch_size: B, rows of every call.
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", "float32" or "bfloat16".
        implementation: See `inference_candidates`; "auto" is what is fastest on this machine, as
            timing found when it was first asked.

    Raises:
        ConfigError: No such device, precision or implementation.
        ValueError: The batch size is below 1.
    """

    def __init__(
        self,
        network: AzulNetwork,
        batch_size: int,
        device: str | torch.device = "cpu",
        precision: str = "auto",
        implementation: str = "auto",
    ) -> None:
        """Copy the network's weights into the layout of the device."""
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.description: NetworkDescription = network.description
        self.batch_size: int = batch_size
        self.device: torch.device = resolve_device(device) if isinstance(device, str) else device
        self.candidate: Candidate = Candidate(implementation, precision)
        candidates = inference_candidates(self.description, self.device, precision)
        if implementation == "auto":
            chosen = choose_inference(self.description, batch_size, self.device, precision).chosen
            self.candidate = next(each for each in candidates if each.name == chosen)
        if self.candidate not in candidates:
            raise ConfigError(
                f"the implementation {implementation!r} does not evaluate "
                f"{self.description.summary} on {self.device.type} here"
            )
        self._inference: Inference = candidates[self.candidate](batch_size)
        self.load_network(network)

    def __call__(self, observations: Int8Array) -> tuple[Float32Array, Float32Array]:
        """Logits `(B, A)` and values `(B, V)`, both float32 and overwritten by the next call.

        Logits of illegal actions are whatever the network says: a search reads legal ones only.

        Args:
            observations: `(B, F)` int8, raw; ValueError for another shape or type.
        """
        shape = (self.batch_size, self.description.observation_size)
        if observations.shape != shape or observations.dtype != np.int8:
            got = f"{observations.shape} {observations.dtype}"
            raise ValueError(f"observations must be {shape} int8, got {got}")
        return self._inference(observations)

    def load_weights(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of a state_dict of a network of the same description."""
        self._inference.load(state)

    def load_network(self, network: AzulNetwork) -> None:
        """`load_weights` from a network; ValueError if it has other sizes."""
        if network.description != self.description:
            raise ValueError(f"the network is {network.description}, not {self.description}")
        self.load_weights(network.state_dict())


# -- timed


def inference_calls(
    description: NetworkDescription, batch_size: int, device: torch.device, precision: str = "auto"
) -> dict[str, Callable[[], object]]:
    """By name, a call of each of the `inference_candidates` on a batch of that size."""
    state = _network(description).state_dict()
    rows = _observations(description, batch_size)
    calls: dict[str, Callable[[], object]] = {}
    for candidate, make in inference_candidates(description, device, precision).items():
        inference = make(batch_size)
        inference.load(state)
        calls[candidate.name] = partial(inference, rows)
    return calls


def time_inference(
    description: NetworkDescription, batch_size: int, device: torch.device, precision: str = "auto"
) -> Timing:
    """Time the `inference_candidates` on one thread, whatever is remembered of them."""
    calls = inference_calls(description, min(batch_size, _MOST_ROWS), device, precision)
    return time_calls(calls, threads=1, device=device, seconds=INFERENCE_S)


def time_training(
    description: NetworkDescription,
    batch_size: int,
    device: torch.device,
    threads: int,
    precision: str = "auto",
) -> Timing:
    """Time the number formats of a training step, whatever is remembered of them.

    A step too long for the time that timing may take is timed on as large a part of the batch as
    it has time for: a format that is faster there stays so with more rows.
    """
    names = precisions_to_try(precision, device)
    network = _network(description)
    rows = min(batch_size, _FIRST_ROWS)
    step = bare_training_step(network, rows, device, names[0])
    with torch_threads(threads):
        step()
        clock = work_clock(threads, device)
        began = clock()
        step()
        took = clock() - began
    # Two rounds at least.
    affordable = TRAINING_S / (2 * len(names) * max(took, 1e-9)) * rows
    while rows < batch_size and 2 * rows <= affordable:
        rows = min(2 * rows, batch_size)
    steps = {name: bare_training_step(network, rows, device, name) for name in names}
    return time_calls(steps, threads=threads, device=device, seconds=TRAINING_S)


def bare_training_step(
    network: AzulNetwork, batch_size: int, device: torch.device, precision: str
) -> Callable[[], None]:
    """The least that a step on a batch could do: losses, gradient, AdamW; nothing drawn or clipped.

    The weights of a copy of `network` change from call to call.
    """
    description = network.description
    own = copy.deepcopy(network).train().to(device)
    states = tensor_of(_observations(description, batch_size)).to(device)
    policy = own.legal_actions(states).float()
    policy /= policy.sum(dim=1, keepdim=True)
    outcome = torch.zeros(batch_size, description.value_count, device=device)
    optimizer = torch.optim.AdamW(own.parameters(), lr=1e-3, fused=True)
    losses = LossFunctions()

    def step() -> None:
        with autocast(precision, device):
            logits, value = own.forward_with_logits(states)
        total = losses.combined_loss(logits, value, policy, outcome)[0]
        total.backward()  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        optimizer.zero_grad(set_to_none=True)

    return step


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Where a network's forward pass trains in that precision."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def time_calls(
    calls: Mapping[str, Callable[[], object]],
    *,
    threads: int,
    device: torch.device,
    seconds: float,
    clock: Callable[[], float] | None = None,
) -> Timing:
    """Time candidates in rounds, A B C A B C, and choose.

    Each is called unmeasured, until libraries have settled, then once in each round, until
    `seconds` are over by the clock (`work_clock` unless given); the median of its rounds counts.
    The first is the plain one, which another must beat by more than noise.
    """
    counted = clock or work_clock(threads, device)
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    with torch_threads(threads):
        for call in calls.values():
            call()
        began = counted()
        while not all(rounds.values()) or counted() - began < seconds:
            for name, call in calls.items():
                started = counted()
                call()
                rounds[name].append(counted() - started)
    return _fastest({name: statistics.median(times) for name, times in rounds.items()})


def work_clock(threads: int, device: torch.device) -> Callable[[], float]:
    """Seconds that calls in this thread take, to be read before and after them.

    Those that the thread computed, where it works alone and the clock is fine enough: a machine
    that others use as well then misleads nobody. On a GPU, those until its work is done.
    """

    def on_gpu() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    if device.type == "cuda":
        return on_gpu
    fine = time.get_clock_info("thread_time").resolution <= 1e-6
    return time.thread_time if threads == 1 and device.type == "cpu" and fine else time.perf_counter


@contextlib.contextmanager
def torch_threads(threads: int) -> Generator[None]:
    """So many threads of torch inside, as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fastest(took: Mapping[str, float]) -> Timing:
    """The plain candidate, which is the first, unless the best beats it by more than noise."""
    plain, best = next(iter(took)), min(took, key=took.__getitem__)
    return Timing(best if took[best] < _PLAIN_WINS * took[plain] else plain, took)


def _network(description: NetworkDescription) -> AzulNetwork:
    """Weights to time with; the streams of random numbers stay where they are."""
    with cast("contextlib.AbstractContextManager[None]", torch.random.fork_rng(devices=[])):  # pyright: ignore[reportUnknownMemberType]
        torch.manual_seed(0)  # pyright: ignore[reportUnknownMemberType] - untyped in torch
        return AzulNetwork(description).eval()


def _observations(description: NetworkDescription, count: int) -> Int8Array:
    """`(count, F)` numbers like those of positions, in which something is always legal."""
    shape = (count, description.observation_size)
    return np.random.default_rng(0).integers(1, COLOR_COUNT, shape).astype(np.int8)


# -- chosen, and remembered


def choose_inference(
    description: NetworkDescription, batch_size: int, device: torch.device, precision: str = "auto"
) -> Timing:
    """`time_inference`, remembered. Raises ConfigError when there is no such precision."""
    names = [each.name for each in inference_candidates(description, device, precision)]
    key = _key("inference", description, batch_size, 1, device)
    return _remembered_or(
        key, names, lambda: time_inference(description, batch_size, device, precision)
    )


def choose_training(
    description: NetworkDescription,
    batch_size: int,
    device: torch.device,
    threads: int,
    precision: str = "auto",
) -> Timing:
    """`time_training`, remembered. Raises ConfigError when there is no such precision."""
    names = [*precisions_to_try(precision, device)]
    key = _key("training", description, batch_size, threads, device)
    return _remembered_or(
        key, names, lambda: time_training(description, batch_size, device, threads, precision)
    )


def choose_device(
    description: NetworkDescription,
    batch_size: int,
    gpu: torch.device,
    workers: int,
    seconds: Mapping[str, Callable[[], float]],
) -> Timing:
    """The device on which self-play by so many workers is fastest, measured once and remembered.

    `seconds` has for each device, the plain one first, what measures how long a call of
    `batch_size` rows takes there in self-play; `gpu` is the one that is not the processor.
    """
    key = _key("device", description, batch_size, 1, gpu)
    key |= {"workers": workers, "host": processor_kind(torch.device("cpu"))}
    return _remembered_or(
        key,
        [*seconds],
        lambda: _fastest({name: measure() for name, measure in seconds.items()}),
    )


def resolve_compute(
    config: TrainingConfig,
    description: NetworkDescription,
    *,
    threads: int = 1,
    remembered: Compute | None = None,
) -> Compute:
    """What a run with these settings computes with on this machine.

    `device`, `inference_precision` and `training_precision` decide where they are not "auto";
    `parallel_games` and `batch_size` are the batches that are timed. Of `remembered`, which the
    checkpoint of a resumed run names, all is kept that the settings leave open and this machine
    can do, the number of threads included.

    Raises:
        ConfigError: This machine has no such device, or there is no such precision.
    """
    threads = remembered.threads if remembered else threads
    device = resolve_device(config.device)
    if remembered is not None and config.device in ("auto", device.type):
        with contextlib.suppress(ConfigError):
            device = resolve_device(remembered.device)
    precision = config.inference_precision
    candidates = {each.name: each for each in inference_candidates(description, device, precision)}
    names = {name: each.words for name, each in candidates.items()}
    where = f"on {'the processor' if device.type == 'cpu' else device}"
    kept = Candidate(remembered.inference, remembered.inference_precision) if remembered else None
    if kept is not None and kept.name in candidates:
        inference, words = kept, f"{kept.words} {where}, as before"
    else:
        found = choose_inference(description, config.parallel_games, device, precision)
        inference, words = candidates[found.chosen], found.summary(names, where)
    precision = config.training_precision
    formats = {name: name for name in precisions_to_try(precision, device)}
    where = f"with {threads} thread{'s' if threads > 1 else ''}"
    if remembered is not None and remembered.training_precision in formats:
        training = remembered.training_precision
        training_words = f"{training} {where}, as before"
    else:
        found = choose_training(description, config.batch_size, device, threads, precision)
        training, training_words = found.chosen, found.summary(formats, where)
    return Compute(
        device=str(device),
        inference=inference.implementation,
        inference_precision=inference.precision,
        training_precision=training,
        threads=threads,
        processor=processor_kind(device),
        torch=str(torch.__version__),  # a plain str: a checkpoint keeps it
        summary=f"inference: {words}; training: {training_words}",
    )


@functools.cache
def processor_kind(device: torch.device) -> str:
    """Which GPU or processor computes, as exactly as the system tells."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))[:_LONGEST_NAME]
    named = ("vendor_id", "cpu family", "model", "model name", "stepping", "CPU part")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    first = text.split("\n\n", maxsplit=1)[0].splitlines()
    known = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first)
    }
    words = [known[name] for name in named if name in known]
    words = words or [platform.processor(), platform.machine()]
    return " ".join(word for word in words if word)[:_LONGEST_NAME] or "unknown"


def _key(
    what: str,
    description: NetworkDescription,
    batch_size: int,
    threads: int,
    device: torch.device,
) -> dict[str, object]:
    """All that a timing depends on, but for the candidates."""
    return {
        "what": what,
        "azul-tui": __version__,
        "torch": str(torch.__version__),
        "processor": processor_kind(device),
        "device": str(device),
        "network": json.loads(json.dumps(description.shapes)),
        "batch_size": batch_size,
        "threads": threads,
    }


def _remembered_or(
    key: dict[str, object], names: list[str], decide: Callable[[], Timing]
) -> Timing:
    """What was found before for `key` and these candidates; else what `decide` finds.

    The first of several processes that decide at once is the one that all of them follow. A file
    that is damaged or another's is replaced; a folder that cannot be written is no error.
    """
    if len(names) == 1:
        return Timing(names[0], {})
    key |= {"candidates": names}
    folder = cache_folder()
    if folder is None:
        return decide()
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / "choices" / f"{key['what']}-{digest}.json"
    if known := _read_timing(path, key, names):
        return known
    found = decide()
    content = {"key": key, "chosen": found.chosen, "seconds": dict(found.seconds)}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        try:
            os.link(unfinished, path)
        except OSError:  # somebody was faster, or a disk without links
            known = _read_timing(path, key, names)
            if known is None:
                unfinished.replace(path)
    with contextlib.suppress(OSError):
        unfinished.unlink(missing_ok=True)
    return known or found


class _Choice(msgspec.Struct):
    """A timing as a file remembers it."""

    key: dict[str, object]
    chosen: str
    seconds: dict[str, Annotated[float, msgspec.Meta(gt=0)]]


def _read_timing(path: Path, key: dict[str, object], names: list[str]) -> Timing | None:
    """What the file remembers for exactly this key; None for any other content."""
    known = decoded(read_bounded(path, _LARGEST_FILE), _Choice)
    if known is None or known.key != key or known.chosen not in names:
        return None
    return Timing(known.chosen, known.seconds) if set(known.seconds) == set(names) else None
