"""`specc train --plan`: how a training would be carried out, without starting it."""

from typing import TYPE_CHECKING

from specc.cli.common import lasting, print_json
from specc.cli.shards import tell_shards, with_shards
from specc.cli.training import Request
from specc.errors import clean, counted
from specc.fit import fitted, limit

if TYPE_CHECKING:
    from specc.backend.engine.rehearsal import Peak
    from specc.backend.memory import PerDevice


def show_plan(request: Request, devices: str | None) -> int:
    """Print how a training would be carried out, and why; for several devices also what each of them would need.

    None of these is started, and none has to be there.
    """
    checked = request.check()
    if checked is None:
        return 1
    from specc.backend.launch.devices import process_count
    from specc.backend.memory import memory_explained, per_device
    from specc.backend.train.prepare import Request as Training
    from specc.backend.train.prepare import prepare
    from specc.backend.train.processes import refuse_world

    world = 0
    if devices is not None:
        world = process_count(devices, request.where["device"], has_all=False)
        whole = with_shards(request.check_again, checked, world)
        if whole is None:
            return 1
        if whole is not checked and not request.quiet:
            tell_shards(whole)
        checked = whole
        refuse_world(checked.trainable().train.shards, world)
    spec, where = checked.trainable(), request.where
    with memory_explained(spec, where["device"]), lasting("measuring how the training would run", quiet=request.quiet):
        job = prepare(Training(spec, **where))
    place, held = job.images
    plan = job.about["plan"] | {"images": {"is": place, "because": held}}
    peak, free = job.memory(world or 1)
    each = per_device(spec, world)._replace(memory=peak.step) if world else None
    if not each:
        plan["memory"] = _memory(peak, free)
    if request.json:
        print_json({"plan": plan, **({"per_device": each._asdict()} if each else {})})
        return 0
    rows = [(what, choice["is"], choice["because"]) for what, choice in plan.items()]
    rows += _per_device(each) if each else []
    width = max(len(choice) for _, choice, _ in rows)
    for what, choice, because in rows:
        line = f"{what:12}  {choice:{width}}  {clean(because)}"
        is_short = not limit() or len(line) <= limit()
        print(line if is_short else fitted(f"{what}: {choice}\n  {clean(because)}"))
    return 0


def _memory(peak: "Peak", free: int) -> dict[str, str]:
    """What a step takes, as a choice of the plan."""
    from specc.report.layers import byte_text

    how = "by estimate: weights and what the optimizer keeps are"
    how = f"{how} {byte_text(peak.standing)} of it" if peak.is_exact else "by a rough estimate"
    return {"is": f"{byte_text(peak.step)} a step", "because": f"{how}; {byte_text(free)} are free"}


def _per_device(each: "PerDevice") -> list[tuple[str, str, str]]:
    """What each of several devices would need, as rows of the plan."""
    from specc.report.layers import byte_text

    share = f"{counted(each.shards, 'shard')} of {counted(each.images // each.shards, 'image')}"
    sent = f"{byte_text(each.plain)} by a plain all-reduce"
    return [
        ("devices", str(each.world), f"each computes {share} of every batch"),
        ("memory", f"{byte_text(each.memory)} each", "by estimate: activations, weights, gradients and optimizer"),
        ("traffic", f"{byte_text(each.sent)} a step", f"what each sends in the fixed order; {sent}"),
    ]
