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

from specc.backend.device import all_threads, describe
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.plan import Plan, compiled
from specc.errors import SpeccError
from specc.files import cache_folder, write_atomic

WORTHWHILE = 1_000  # steps of a training in which a trial is paid back
LONG = 600.0  # seconds of a training above which it is tried whether compiling pays
STEPS = 5  # that are timed of each way, after one that is not
GAIN = 1.1  # more threads have to be so many times as fast: they wait for each other when the machine has other work


class Tried(NamedTuple):
    """The best way of several, and the seconds that a forward and a backward pass took by each."""

    best: str
    seconds: dict[str, float]

    def __str__(self) -> str:
        return "a pass takes " + ", ".join(f"{1000 * time:.3g} ms with {rule}" for rule, time in self.seconds.items())


def settle(plan: Plan, trainer: Trainer) -> Plan:
    """The plan with what was open in it measured, where the training is long; sets the number of the CPU's threads."""
    if not plan.open or trainer.total < WORTHWHILE:
        return plan
    place = cache_folder() / "plans" / f"{_key(plan, trainer)}.json"
    found, how = _recall(place), "remembered"
    if found is None:
        found, how = _measure(plan, trainer), "measured"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, json.dumps({what: tried._asdict() for what, tried in found.items()}).encode())
        except OSError:
            return plan
    for what, tried in found.items():
        plan = plan.choose(what, tried.best, f"{how}: {tried}")
    if "threads" in found:
        torch.set_num_threads(int(found["threads"].best))
    return plan


def _measure(plan: Plan, trainer: Trainer) -> dict[str, Tried]:
    net = deepcopy(trainer.state.net).train()  # a pass moves running statistics
    images, _ = trainer.loader.training(0, 0)

    def time(forward: Callable[[Tensor], Any] = net) -> float:
        return _seconds(forward, images, trainer)

    found = {}
    before = torch.get_num_threads()
    try:
        if "threads" in plan.open:
            found["threads"] = _try_threads(time)
        if "step" in plan.open:
            passes = trainer.total * trainer.settings.accumulate
            eager = time()
            if eager * passes > LONG:
                found["step"] = _try_compiling(lambda: time(compiled(net)), eager, passes)
    finally:
        torch.set_num_threads(before)
    return found


def _try_threads(time: Callable[[], float]) -> Tried:
    """One thread, then twice as many, up to all that there are; the best number is left set."""
    most = all_threads()
    seconds: dict[int, float] = {}
    best = 1
    for count in sorted({min(2**power, most) for power in range(most.bit_length() + 1)}):
        torch.set_num_threads(count)
        seconds[count] = time()
        if seconds[count] * GAIN < seconds[best]:
            best = count
    torch.set_num_threads(best)
    return Tried(str(best), {str(count): found for count, found in seconds.items()})


def _try_compiling(time: Callable[[], float], eager: float, passes: int) -> Tried:
    """Whether what compiled passes save is more than compiling costs."""
    began = perf_counter()
    try:
        seconds = time()
    except (SpeccError, RuntimeError):  # there is no compiler, or it does not take the network
        return Tried("eager", {"eager": eager})
    cost = perf_counter() - began
    best = "compiled" if (eager - seconds) * passes > cost else "eager"
    return Tried(best, {"eager": eager, "compiled": seconds})


def _seconds(forward: Callable[[Tensor], Any], images: Tensor, trainer: Trainer) -> float:
    """The median time of a forward and a backward pass."""
    seconds = []
    for _ in range(1 + STEPS):
        began = perf_counter()
        with trainer.precision.autocast(trainer.device):
            answer = forward(images)
        logits, heads = answer if isinstance(answer, tuple) else (answer, {})
        loss: Any = torch.stack([part.float().square().mean() for part in (logits, *heads.values())]).sum()
        loss.backward()
        if trainer.device.type == "cuda":
            torch.cuda.synchronize(trainer.device)
        seconds.append(perf_counter() - began)
    return median(seconds[1:])


def _key(plan: Plan, trainer: Trainer) -> str:
    """What a trial's result depends on, as a name of a file."""
    nodes = [(node.op.name, repr(node.args), node.inputs, node.shape) for node in trainer.state.net.graph.nodes]
    training = (
        nodes,
        trainer.loader.batch,
        trainer.total,
        trainer.settings.accumulate,
        plan.precision.name,
        sorted(plan.open),
    )
    machine = (describe(trainer.device), platform.machine(), all_threads(), torch.__version__)
    return hashlib.sha256(repr((training, machine)).encode()).hexdigest()[:32]


def _recall(place: Path) -> dict[str, Tried] | None:
    """What was found before; None where nothing was, or where it cannot be read."""
    try:
        read = json.loads(place.read_bytes())
        found = {what: Tried(str(tried["best"]), dict(tried["seconds"])) for what, tried in read.items()}
        known = {"threads": [str(count + 1) for count in range(all_threads())], "step": ["eager", "compiled"]}
        sound = all(tried.best in known[what] and str(tried) for what, tried in found.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if sound else None
