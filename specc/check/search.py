"""What a `search` tries: all values of a choice; of a range both ends, and a number between them."""

from collections.abc import Iterator
from itertools import zip_longest
from math import pi

from specc.check.calls.binder import Binder
from specc.check.gather.spec import Spec
from specc.check.settings import file_scope
from specc.syntax import tree as t
from specc.tricks import COMPONENTS
from specc.values import UNKNOWN, Bound
from specc.vocabulary.family import Search
from specc.vocabulary.kinds import One
from specc.vocabulary.registry import component

SEARCHED = One("search", "choice(…), uniform(low, high), log_uniform(low, high) or integers(low, high)")
MEASURES = ("data.source", "data.validation", "data.seed", "data.targets", "train.best")
IDLE = ("export", "train.plan")  # where nothing is that changes what is learned
BETWEEN = 1 - 1 / pi**2  # of the way through a range


def searched(spec: Spec, binder: Binder) -> Iterator[tuple[t.Setting, t.Literal]]:
    """Each setting of the searches with each value that is to be checked, as an expression."""
    for setting, search in searches(spec, binder):
        for literal in _tried(search, setting.value):
            yield setting, literal


def searches(spec: Spec, binder: Binder) -> Iterator[tuple[t.Setting, Bound]]:
    """Each setting of the searches with what is searched, checked."""
    scope = file_scope(spec, binder) if spec.search else None
    for setting in spec.search:
        assert scope is not None
        if reason := refusal(".".join(setting.path), _is_measured_by_loss(spec)):
            binder.error("E514", reason[0], setting.path_span, help=reason[1])
            continue
        if help := _inner_search(setting):
            message = f"a search stands for a whole setting: there is none within `{'.'.join(setting.path)}`"
            binder.error("E202", message, setting.value.span, help=help)
            continue
        value = binder.evaluator.evaluate(setting.value, scope, None)
        search = binder.fit(value, SEARCHED, f"the search over `{'.'.join(setting.path)}`", setting.value.span, scope)
        if search is not UNKNOWN:
            yield setting, search


def refusal(path: str, by_loss: bool) -> tuple[str, str] | None:
    """Why a setting is never searched, and what to do instead. by_loss: trials are compared by their loss."""
    choose = f"remove it from `search`, and choose with --set {path}=… or a variant"
    if _is_in(path, "train.seed"):
        help = "use --seeds 3 to train each trial with three seeds"
        return f"the search varies `{path}`: trials would be chosen for their luck", help
    if any(_is_in(path, measure) for measure in (*MEASURES, *(["train.loss"] if by_loss else []))):
        what = "trials would be measured in different ways, and no figure compares them"
        return f"the search varies `{path}`: {what}", f"{choose}; `specc study` compares"
    if any(_is_in(path, part) for part in IDLE):
        return f"the search varies `{path}`: all trials would learn the same", choose
    return None


def _is_in(path: str, setting: str) -> bool:
    return path == setting or path.startswith(f"{setting}.")


def _is_measured_by_loss(spec: Spec) -> bool:
    best = spec.sections.get("train", {}).get("best")
    return best is not None and isinstance(best.value, t.Name) and best.value.name == "loss"


def _inner_search(setting: t.Setting) -> str:
    """The help for `train.optimizer = adam(lr=uniform(0, 1))`, where an argument is searched; else empty."""
    call = setting.value
    if not isinstance(call, t.Call):
        return ""
    component = next((family[call.name] for family in COMPONENTS.values() if call.name in family), None)
    names = [param.name for param in component.params] if component else []
    for name, argument in zip_longest(names, call.arguments):
        if argument is not None and isinstance(argument.value, t.Call) and argument.value.name in COMPONENTS["search"]:
            path = ".".join((*setting.path, argument.name or name or "…"))
            return f"search the argument: {path} = {argument.value.span.text}"
    return ""


def _tried(search: Bound, written: t.Call) -> list[t.Literal]:
    a = search.args.as_dict()
    number = component(Search, search).number
    values = list(a["values"] if number is None else (a["low"], a["high"]))
    spans = [argument.value.span for argument in getattr(written, "arguments", ())]
    if len(spans) != len(values):
        spans = [written.span] * len(values)
    if number is not None:  # what `uniform` draws is hardly ever whole, which an argument such as `filters` must be
        values.append(number(search.args, BETWEEN))
        spans.append(spans[-1])  # as that of `high`: one mistake, one message
    return [t.Literal(value, span) for value, span in zip(values, spans, strict=True)]
