"""How a training is carried out: what is chosen where the spec does not say it, and why.

The choices rest on `benchmarks/train_speed.py`. None changes what is computed beyond the precision that is named, but
for the order in which sums are taken; so a run keeps its plan, and is resumed by it. To plan changes nothing:
`execution/apply.py` does what a plan says.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from specc.backend.build import Net
from specc.backend.data.batches import TrainingBatches
from specc.backend.data.parallel import workers
from specc.backend.data.raw import Files
from specc.backend.data.split import Streamed
from specc.backend.device import SMALL_BATCH, thread_count
from specc.backend.engine.growth import Growth
from specc.backend.engine.optimizers import is_fused, param_rules
from specc.backend.memory import moved_numbers
from specc.backend.ordered_sum import cost, is_tree
from specc.backend.precision import Precision, choose
from specc.backend.ranks import ALONE, Ranks
from specc.errors import clean, counted
from specc.ir.graph import Graph
from specc.ir.weights import weights_of
from specc.report.layers import byte_text
from specc.tricks.sections import TrainSettings
from specc.values import Args
from specc.vocabulary.family import Optimizer, PlanOptions
from specc.vocabulary.registry import component

MOST_THREADS = 1024
GRAY = 10  # so many times SMALL_BATCH, or its part, and it is not known how many threads are the best
SPEC_SAYS, BEGUN = "set in the spec", "as when the run started"


class Plan(NamedTuple):
    """How a training is carried out.

    threads: of a CPU; None on other devices. compiled: the network by torch.compile. recorded: a step is one CUDA
    graph. fused: the optimizer goes over the weights once. features: what becomes of those of frozen layers, in words;
    "" where nothing is frozen. ends: behind which steps of the forward pass segments end that are computed twice. data:
    where the images are, in words; "" as long as that is not known. pools_first: how many `relu -> max_pool` train as
    `max_pool -> relu`. layout: of images and kernels. shards, world: how many parts a batch is cut into, and how many
    processes compute them. across: how what these give is added up, in words; "" for a single shard. passes: of a step
    over each of its images. sizes: of training images that grow, in words; "" for others. reasons: why each of these is
    so, by its name in run.json. open: what the rules do not know, "threads" or "step"; `trial.settle` measures it.
    """

    device: torch.device
    precision: Precision
    threads: int | None
    compiled: bool
    recorded: bool
    fused: bool
    reasons: dict[str, str]
    open: frozenset[str] = frozenset()
    data: str = ""
    pools_first: int = 0
    features: str = ""
    ends: tuple[int, ...] = ()
    layout: torch.memory_format = torch.channels_last
    shards: int = 1
    world: int = 1
    across: str = ""
    passes: int = 1
    sizes: str = ""

    def choose(self, what: str, value: str, why: str) -> "Plan":
        """The plan with another choice of "threads" or "step"."""
        reasons = {**self.reasons, what: why}
        if what == "threads":
            return self._replace(threads=int(value), reasons=reasons)
        assert what == "step", what
        return self._replace(compiled=value == "compiled", reasons=reasons)

    @property
    def recompute(self) -> str:
        """How much of the forward pass is computed twice, in words."""
        return f"{counted(len(self.ends), 'segment')} of the forward pass" if self.ends else "nothing"

    def as_dict(self) -> dict[str, dict[str, str]]:
        """As run.json holds it."""
        on_cuda = self.device.type == "cuda"
        launch = "one CUDA graph per step" if self.recorded else "one operation at a time"
        choices = {
            "precision": self.precision.name,
            "threads": self.threads,
            "layout": str(self.layout).removeprefix("torch."),
            "step": "compiled" if self.compiled else "eager",
            "launch": launch if on_cuda else None,
            "cudnn": "deterministic" if on_cuda else None,
            "optimizer": "fused" if self.fused else "foreach",
            "passes": f"{self.passes} forward and {self.passes} backward in a step" if self.passes > 1 else None,
            "sizes": self.sizes or None,
            "shards": f"{self.shards}, on {counted(self.world, 'process')}" if self.shards > 1 else None,
            "across": self.across or None,
            "recompute": self.recompute if "recompute" in self.reasons else None,
            "data": self.data or None,
            "augmentation": f"on {self.device}" if self.data else None,
            "features": self.features or None,
            "order": f"max_pool before relu, {self.pools_first}x" if self.pools_first else None,
        }
        return {
            what: {"is": str(value), "because": self.reasons[what]}
            for what, value in choices.items()
            if value is not None
        }


def make_plan(
    graph: Graph,
    settings: TrainSettings,
    device: torch.device,
    info: Mapping[str, Any] | None = None,
    ranks: Ranks = ALONE,
) -> Plan:
    """The plan of a training with the settings of the section `train`, as far as it follows from the spec.

    info: the run.json of a run that is resumed. On a device of the same kind it is carried out as it was begun. ranks:
    this process among those that train together.

    Raises SpeccError E431 where the device cannot train in the precision that is asked for.
    """
    work = settings.part * graph.total_macs
    asked: Args = settings.plan.args if settings.plan else component(PlanOptions, "plan").call().args
    if info is not None and str(info.get("device")).partition(":")[0] != device.type:
        info = None
    precision = choose(settings.precision, device, work)
    if info is not None and settings.precision == "auto" and info.get("precision") in ("fp32", "bf16"):
        precision = Precision(info["precision"], BEGUN)
    step, why_step = _step(asked.step, info)
    is_free = settings.wrapper("schedule_free") is not None
    fused = not is_free and is_fused(settings.mover.name, device)
    reasons = {
        "precision": precision.reason,
        "layout": "the layout that convolutions compute in",
        "step": why_step,
        "cudnn": "two trainings give identical bits, so algorithms are not benchmarked",
        "optimizer": "one pass over the weights"
        if fused
        else f"`{'schedule_free' if is_free else settings.mover.name}` has no fused version on this device",
        "passes": f"`{settings.optimizer.name}`: {settings.passes} times the multiply-accumulates and the time of "
        f"`{settings.mover.name}`; one more copy of the weights",
        "augmentation": "whole batches at once, with separate random draws for each image",
        "order": "the same result from fewer operations",
    }
    undecided = {"step"} if step == "auto" else set()
    threads = None
    if device.type == "cpu":
        given, reasons["threads"] = _threads(asked.threads, info, work, ranks)
        threads = thread_count(work, ranks.local_world) if given is None else given
        if given is None and ranks.is_alone and SMALL_BATCH / GRAY <= work <= SMALL_BATCH * GRAY:
            undecided.add("threads")
    recorded = False
    if device.type == "cuda":
        recorded, reasons["launch"] = _recorded(graph, settings, asked.launch, precision)
    across = ""
    if settings.shards > 1:
        across, reasons["across"] = _across(graph, settings, asked.across == "exact", ranks.world)
        reasons["shards"] = f"train.shards: each of {counted(settings.part, 'image')} is to batch norm what a batch is"
    return Plan(
        device,
        precision,
        threads,
        step == "compiled",
        recorded,
        fused,
        reasons,
        frozenset(undecided),
        shards=settings.shards,
        world=ranks.world,
        across=across,
        passes=settings.passes,
    )


def _across(graph: Graph, settings: TrainSettings, is_exact: bool, world: int) -> tuple[str, str]:
    """How what the shards give is added up, and what follows from it."""
    shards = settings.shards
    order = "as a tree" if is_tree(shards) else "in the order of the shards"
    counts = [count for count in range(1, shards + 1) if shards % count == 0]
    same = f"the same bits for {', '.join(map(str, counts[:-1]))} or {counts[-1]} processes"
    if not is_exact:
        order, same = "in any order, by a plain all-reduce", f"{SPEC_SAYS}: the same bits for {world} processes only"
    spent = cost(shards, world, is_exact=is_exact)
    if world > 1:
        numbers = 4 * moved_numbers(graph, settings)
        same += f"; each sends {byte_text(round(spent.sent * numbers))} per step"
        if is_exact:
            same += f", by a plain all-reduce {byte_text(round(spent.plain * numbers))}"
    return order, same


def _step(asked: str, info: Mapping[str, Any] | None) -> tuple[str, str]:
    """Whether steps are compiled, and why. "auto" is eager until a trial says otherwise."""
    if asked != "auto":
        return asked, SPEC_SAYS
    if info is not None:
        return _begun_step(info), BEGUN
    return "auto", "in a short training, compiling takes longer than it saves"


def _threads(asked: int | None, info: Mapping[str, Any] | None, work: int, ranks: Ranks) -> tuple[int | None, str]:
    """How many threads the spec or the run asks for, None for as many as the work needs; and why."""
    if asked is not None:
        return asked, SPEC_SAYS
    if info is not None and type(info.get("threads")) is int and 0 < info["threads"] <= MOST_THREADS:
        return info["threads"], BEGUN
    small = f"a batch's forward pass takes less than {SMALL_BATCH:,} multiply-accumulates"
    if work < SMALL_BATCH:
        return None, small
    if ranks.local_world > 1:
        return None, f"the share of each of {ranks.local_world} processes on this machine, or as OMP_NUM_THREADS says"
    return None, "as many as PyTorch finds on this machine"


def _recorded(graph: Graph, settings: TrainSettings, launch: str, precision: Precision) -> tuple[bool, str]:
    """Whether a step can be recorded as a CUDA graph, and why."""
    if launch == "single":
        return False, SPEC_SAYS
    if settings.shards > 1:
        return False, "what the shards give is added up before the optimizer's step"
    if settings.passes > 1:
        return False, f"`{settings.optimizer.name}` draws the same random numbers in each pass of a step"
    if precision.name == "fp16":
        return False, "the loss scale of fp16 changes during training"
    unsteady = [node.op.name for node in graph.nodes[1:] if not node.op.repeatable(graph.inputs_of(node), node.args)]
    if unsteady:
        return False, f"the gradient of `{unsteady[0]}` is not bit-for-bit reproducible"
    if settings.wrapper("schedule_free"):
        return False, "`schedule_free` cannot be recorded"
    rules = param_rules(graph, settings, [weight.name for weight in weights_of(graph)])
    others = {rule.optimizer for rule in rules.values() if not component(Optimizer, rule.optimizer).recordable}
    if others:
        return False, f"`{min(others)}` cannot be recorded"
    return True, "forward, backward and optimizer are launched at once; used only if the result is bit-identical"


def _begun_step(info: Mapping[str, Any]) -> str:
    """How the steps of a run were begun; eager in runs that do not say it."""
    plan = info.get("plan")
    step = plan.get("step") if isinstance(plan, dict) else None
    return "compiled" if isinstance(step, dict) and step.get("is") == "compiled" else "eager"


def complete(plan: Plan, net: Net, batches: TrainingBatches, growth: Growth | None, total: int) -> Plan:
    """The plan with what follows from the network that was built, and from its training images.

    growth: how they grow. total: steps of the training.
    """
    data, why = _place_of_data(batches, plan.device)
    reasons, sizes = {**plan.reasons, "data": why}, ""
    if growth is not None:
        sizes = growth.words(total)
        reasons["sizes"] = (
            f"`progressive`: {growth.share(net.graph, total):.0%} of the multiply-accumulates at full size"
        )
    return plan._replace(data=data, pools_first=net.pools_after_relu(), sizes=sizes, reasons=reasons)


def _place_of_data(batches: TrainingBatches, device: torch.device) -> tuple[str, str]:
    """Where the training images are, in words, and why."""
    split = batches.split
    channels, height, width = split.shape
    image = channels * height * width
    whole = f"{len(split) * image / 1e6:,.1f} MB of uint8"
    if isinstance(split, Streamed):
        most = (batches.ahead + 2) * batches.part * image / 1e6  # the batch in use, too
        threads = workers() if split.workers is None else split.workers
        kept = split.files.kept if isinstance(split.files, Files) else None
        verb = "decode" if kept is None else "read"
        why = (
            f"{whole} would take more than half of the free memory; {threads} threads {verb} ahead, at most "
            f"{most:,.1f} MB"
        )
        if kept is None:
            return f"streamed from their {'files' if isinstance(split.files, Files) else 'shards'}", why
        decoded = len(kept) - kept.count
        more = f"; {counted(decoded, 'image')} decoded in each epoch" if decoded else ""
        return "streamed as they are kept decoded", f"{why}, from {clean(str(kept.store.folder))}{more}"
    if split.images.device == device:
        return f"resident on {device}", whole
    return f"resident on {split.images.device}", f"{whole} would take more than half of the memory of {device}"
