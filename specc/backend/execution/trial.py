"""What rules leave open in the plan of a training, measured on its own first batch.

What was found is remembered for network, batch, precision, processor and torch. Nothing is chosen that cannot be
remembered: the same spec trains to the same weights again on the same machine.
"""

import hashlib
import json
import platform
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch import Tensor

from specc.backend.build import Net
from specc.backend.device import all_threads, describe
from specc.backend.engine.optimizers import freeze
from specc.backend.engine.trainer import Loader, length
from specc.backend.execution.apply import apply, set_up
from specc.backend.execution.cuda_graph import recorded
from specc.backend.execution.plan import Plan
from specc.backend.ranks import ALONE, Ranks
from specc.errors import SpeccError
from specc.files import cache_folder, parse_json, read_file, write_atomic
from specc.ir.graph import Graph
from specc.tricks.sections import TrainSettings

WORTHWHILE = 1_000  # steps of a training in which a trial is paid back
LONG = 600.0  # seconds of a training above which it is tried whether compiling pays
STEPS = 5  # that are timed of each way, after one that is not
MOST_BYTES = 1 << 20  # of what was remembered
GAIN = 1.1  # more threads have to be so many times as fast: they wait for each other when the machine has other work


class Tried(NamedTuple):
    """The best way of several, and the seconds that a forward and a backward pass took by each."""

    best: str
    seconds: dict[str, float]

    def __str__(self) -> str:
        return "one pass takes " + ", ".join(f"{1000 * time:.3g} ms with {way}" for way, time in self.seconds.items())


def settle(plan: Plan, net: Net, loader: Loader, settings: TrainSettings, ranks: Ranks = ALONE) -> Plan:
    """The plan with what was open in it measured, where the training is long.

    net: as it is before a plan is applied to it, and afterwards: what is measured are copies. ranks: the first process
    measures for all.
    """
    _, total = length(settings, loader)
    if not plan.open or total < WORTHWHILE:
        return plan
    chosen = ranks.broadcast(_choices(plan, net, loader, settings) if ranks.is_first else None)
    for what, value, why in chosen:
        plan = plan.choose(what, value, why)
    return plan


def _choices(plan: Plan, net: Net, loader: Loader, settings: TrainSettings) -> list[tuple[str, str, str]]:
    """What is chosen, and why."""
    place = cache_folder() / "plans" / f"{_key(plan, net.graph, loader, settings)}.json"
    trials, how = _recall(place), "remembered"
    if trials is None:
        trials, how = _measure(plan, net, loader, settings), "measured"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, json.dumps({what: tried._asdict() for what, tried in trials.items()}).encode())
        except OSError:
            return []
    return [(what, tried.best, f"{how}: {tried}") for what, tried in trials.items()]


def _measure(plan: Plan, net: Net, loader: Loader, settings: TrainSettings) -> dict[str, Tried]:
    images, _ = loader.training(0, 0)

    def time(plan: Plan) -> float:
        copy = deepcopy(net).train()
        freeze(copy, copy.graph, settings.frozen)
        return _seconds(plan, apply(plan, copy), images)

    trials = {}
    best = plan
    try:
        if "threads" in plan.open:
            trials["threads"] = _try_threads(plan, time)
            best = plan.choose("threads", trials["threads"].best, "")
        if "step" in plan.open:
            passes = length(settings, loader)[1] * settings.passes * settings.accumulate * settings.shards // plan.world
            eager = time(best)
            if eager * passes > LONG:
                trials["step"] = _try_compiling(best, time, eager, passes)
    finally:
        set_up(plan)
    return trials


def _try_threads(plan: Plan, time: Callable[[Plan], float]) -> Tried:
    """One thread, then twice as many, up to all that there are."""
    most = all_threads()
    seconds: dict[int, float] = {}
    best = 1
    for count in sorted({min(2**power, most) for power in range(most.bit_length() + 1)}):
        seconds[count] = time(plan.choose("threads", str(count), ""))
        if seconds[count] * GAIN < seconds[best]:
            best = count
    return Tried(str(best), {str(count): duration for count, duration in seconds.items()})


def _try_compiling(plan: Plan, time: Callable[[Plan], float], eager: float, passes: int) -> Tried:
    """Whether what compiled passes save is more than compiling costs."""
    began = perf_counter()
    try:
        seconds = time(plan.choose("step", "compiled", ""))
    except (SpeccError, RuntimeError):  # there is no compiler, or it does not take the network
        return Tried("eager", {"eager": eager})
    cost = perf_counter() - began
    best = "compiled" if (eager - seconds) * passes > cost else "eager"
    return Tried(best, {"eager": eager, "compiled": seconds})


def _seconds(plan: Plan, forward: Callable[[Tensor], Any], images: Tensor) -> float:
    """The median time of a forward and a backward pass."""

    def work() -> Tensor:
        with plan.precision.autocast(plan.device):
            answer = forward(images)
        logits, heads = answer if isinstance(answer, tuple) else (answer, {})
        loss: Any = torch.stack([part.float().square().mean() for part in (logits, *heads.values())]).sum()
        loss.backward()
        return torch.as_tensor(loss)

    if plan.recorded:  # without it, what is compared would be Python's time to launch kernels
        return _timed(recorded(work, plan.device), plan.device)
    return _timed(work, plan.device)


def _timed(work: Callable[[], object], device: torch.device) -> float:
    """The median time of some work."""
    seconds = []
    for _ in range(1 + STEPS):
        began = perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(perf_counter() - began)
    return median(seconds[1:])


def _key(plan: Plan, graph: Graph, loader: Loader, settings: TrainSettings) -> str:
    """What a trial's result depends on, as a name of a file."""
    nodes = [(node.op.name, repr(node.args), node.inputs, node.shape, node.owner.index) for node in graph.nodes]
    _, total = length(settings, loader)
    cut = (settings.accumulate, *([settings.shards, plan.world] if settings.shards > 1 else []))
    passes = [f"{settings.passes} passes"] if settings.passes > 1 else []
    training = (nodes, loader.batch, total, *cut, *passes, plan.precision.name, sorted(plan.open))
    machine = (describe(plan.device), platform.machine(), all_threads(), torch.__version__)
    return hashlib.sha256(repr((training, machine)).encode()).hexdigest()[:32]


def _recall(place: Path) -> dict[str, Tried] | None:
    """What was found before; None where nothing was, or where it cannot be read."""
    try:
        read = parse_json(read_file(place, MOST_BYTES))
        found = {what: Tried(str(tried["best"]), dict(tried["seconds"])) for what, tried in read.items()}
        known = {"threads": [str(count + 1) for count in range(all_threads())], "step": ["eager", "compiled"]}
        sound = all(tried.best in known[what] and str(tried) for what, tried in found.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if sound else None
