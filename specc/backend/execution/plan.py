"""How a training is carried out: what is chosen where the spec does not say it, and why.

The choices rest on `benchmarks/train_speed.py`. None changes what is computed beyond the precision that is named, but
for the order in which sums are taken; so a run keeps its plan, and is resumed by it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from specc.backend.build import Net
from specc.backend.data.batches import TrainingBatches
from specc.backend.data.parallel import workers
from specc.backend.data.split import AHEAD, Streamed
from specc.backend.device import SMALL_BATCH, share_work
from specc.backend.engine.optimizers import FUSED, RECORDABLE, param_rules
from specc.backend.precision import Precision, choose
from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.ir.weights import weights_of
from specc.tricks.sections import TrainSettings
from specc.values import Args

MOST_THREADS = 1024
GRAY = 10  # so many times SMALL_BATCH, or its part, and it is not known how many threads are the best


class Choice(NamedTuple):
    """One thing that was chosen: what, which, and why."""

    what: str
    value: str
    why: str


class Plan(NamedTuple):
    """A plan, and the choices that it is made of, in words.

    open: what the rules do not know, "threads" or "step"; `trial.settle` measures it.
    """

    precision: Precision
    compiled: bool
    recorded: bool
    choices: tuple[Choice, ...]
    open: frozenset[str] = frozenset()

    def choose(self, what: str, value: str, why: str) -> "Plan":
        """The plan with another choice."""
        choices = [Choice(what, value, why) if choice.what == what else choice for choice in self.choices]
        return self._replace(choices=tuple(choices), compiled=value == "compiled" if what == "step" else self.compiled)

    def as_dict(self) -> dict[str, dict[str, str]]:
        """As run.json holds it."""
        return {choice.what: {"is": choice.value, "because": choice.why} for choice in self.choices}


def make_plan(
    graph: Graph, settings: TrainSettings, device: torch.device, info: Mapping[str, Any] | None = None
) -> Plan:
    """The plan of a training with the settings of the section `train`; sets the number of the CPU's threads.

    info: the run.json of a run that is gone on with. On a device of the same kind it is carried out as it was begun.

    Raises SpeccError: E431 where the device cannot train in the precision that is asked for, E449 where it cannot
    compile.
    """
    work = settings.batch * graph.total_macs
    asked: Args = settings.plan.args if settings.plan else Args(step="auto", launch="auto", threads=None)
    said = "as the spec says"
    precision, threads, step = choose(settings.precision, device, work), asked.threads, asked.step
    why_step = "as the spec says"
    if info is not None and str(info.get("device")).partition(":")[0] == device.type:
        begun = "as the run was begun"
        if settings.precision == "auto" and info.get("precision") in ("fp32", "bf16"):
            precision = Precision(info["precision"], begun)
        if threads is None and type(info.get("threads")) is int and 0 < info["threads"] <= MOST_THREADS:
            threads, said = info["threads"], begun
        if step == "auto":
            step, why_step = _begun_step(info), begun
    choices = [Choice("precision", precision.name, precision.reason)]

    if device.type == "cpu":
        share_work(device, work, threads)
        small = f"a batch's forward pass is below {SMALL_BATCH:,} multiply-accumulates"
        why = said if threads else small if work < SMALL_BATCH else "as many as there are cores for"
        choices.append(Choice("threads", str(torch.get_num_threads()), why))

    choices.append(Choice("layout", "channels_last", "what convolutions work in"))

    undecided = set()
    if device.type == "cpu" and not threads and SMALL_BATCH / GRAY <= work <= SMALL_BATCH * GRAY:
        undecided.add("threads")
    if step == "auto":
        undecided.add("step")
        step, why_step = "eager", "compiling takes longer than it saves in a short training"
    choices.append(Choice("step", step, why_step))

    recorded = False
    if device.type == "cuda":
        recorded, why = _recorded(graph, settings, asked.launch, precision)
        choices.append(Choice("launch", "one CUDA graph for a step" if recorded else "operation by operation", why))
        choices.append(Choice("cudnn", "deterministic", "two trainings give the same bits; so nothing is benchmarked"))

    fused = settings.optimizer.name in FUSED and device.type in ("cpu", "cuda")
    why = "one pass over the weights" if fused else f"`{settings.optimizer.name}` has no fused form here"
    choices.append(Choice("optimizer", "fused" if fused else "foreach", why))
    return Plan(precision, step == "compiled", recorded, tuple(choices), frozenset(undecided))


def _recorded(graph: Graph, settings: TrainSettings, launch: str, precision: Precision) -> tuple[bool, str]:
    """Whether a step can be recorded as a CUDA graph, and why."""
    if launch == "single":
        return False, "as the spec says"
    if precision.name == "fp16":
        return False, "the scale of fp16's loss depends on what is found on the way"
    unsteady = [node.op.name for node in graph.nodes[1:] if not node.op.repeatable(graph.inputs_of(node), node.args)]
    if unsteady:
        return False, f"the gradient of `{unsteady[0]}` is not the same, bit by bit, each time"
    movers = {
        rule.optimizer for rule in param_rules(graph, settings, [weight.name for weight in weights_of(graph)]).values()
    }
    others = sorted(movers - set(RECORDABLE))
    if others:
        return False, f"`{others[0]}` cannot be recorded"
    return True, "forward, backward and optimizer are launched at once; used only if it gives the same bits"


def _begun_step(info: Mapping[str, Any]) -> str:
    """How the steps of a run were begun; eager in runs that do not say it."""
    plan = info.get("plan")
    step = plan.get("step") if isinstance(plan, dict) else None
    return "compiled" if isinstance(step, dict) and step.get("is") == "compiled" else "eager"


def lay_out(plan: Plan, net: Net, device: torch.device, batches: TrainingBatches) -> Plan:
    """Bring a network to its device, in the layout and the order of the plan; the plan with what follows from the data.

    batches: of the training.
    """
    net.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    choices = [
        *plan.choices,
        _place_of_data(batches, device),
        Choice("augmentation", f"on {device}", "in whole batches, each image with its own draw"),
    ]
    turned = net.pool_first()
    if turned:
        choices.append(Choice("order", f"max_pool before relu, {turned}x", "the same numbers, found from fewer"))
    return plan._replace(choices=tuple(choices))


def _place_of_data(batches: TrainingBatches, device: torch.device) -> Choice:
    split = batches.split
    channels, height, width = split.shape
    image = channels * height * width
    whole = f"{len(split) * image / 1e6:,.1f} MB of uint8"
    if isinstance(split, Streamed):
        most = (AHEAD + 2) * batches.size * image / 1e6  # the batch in use, too
        threads = workers() if split.workers is None else split.workers
        why = f"{whole} are more than half of the free memory; {threads} threads decode ahead, {most:,.1f} MB at most"
        return Choice("data", "streamed from their files", why)
    if split.images.device == device:
        return Choice("data", f"resident on {device}", whole)
    return Choice("data", f"resident on {split.images.device}", f"{whole} are more than half of the memory of {device}")


def compiled(net: Net) -> Any:
    """The network's forward pass, compiled at its first call.

    Raises SpeccError E449 where torch cannot compile here.
    """
    import torch._dynamo

    def forward(images: torch.Tensor) -> Any:
        try:
            return made(images)
        except torch._dynamo.exc.TorchDynamoException as error:  # noqa: SLF001
            last = str(error).strip().splitlines()[0]
            raise SpeccError("E449", f"the network cannot be compiled here: {last}", help="plan(step=eager)") from error

    made = torch.compile(net, dynamic=False)
    return forward
