"""A spec assembled from its file and the files that it extends."""

from collections.abc import Iterable, Iterator

from specc.check.gather.files import Files
from specc.check.gather.override import override
from specc.check.gather.spec import Spec
from specc.check.problems import Problems
from specc.diagnostics import Label
from specc.source import Span
from specc.syntax import tree as t

SETS_PARAMETERS = (
    "`network` without a name sets parameters of the network that is extended: write it once, and no other"
)


def gather(files: Files, problems: Problems) -> Spec:
    """The spec that a file and what it extends add up to."""
    spec = Spec(files.trees[0].source)
    spec.unread = files.unread
    spec.is_extended = len(files.trees) > 1
    for tree in reversed(files.trees):
        _add(spec, tree, problems)
        spec = override(spec, list(_network_settings(tree)), problems)
    return spec


def _network_settings(file: t.File) -> Iterator[t.Setting]:
    """What `network { … }`, without a name, sets: parameters of the network of a file that this one extends."""
    for item in file.items:
        if isinstance(item, t.Section) and item.name == "network":
            yield from (setting._replace(path=("network", *setting.path)) for setting in item.settings)


class _Once:
    """Reports what one file gives twice."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.seen: dict[tuple[str, str], Span] = {}

    def __call__(self, what: str, name: str, span: Span, help: str = "") -> None:
        if (what, name) in self.seen:
            first = Label(self.seen[what, name], "first defined here")
            message = f"{what} `{name}` is defined twice" if name else f"this file has a second {what}"
            alone = f"a file has only one {what}: turn the other into a block"
            help = help or ("rename or remove one of them" if name else alone)
            self.problems.report("E209", message, span, labels=(first,), help=help)
        self.seen[what, name] = span

    def each(self, prefix: str, settings: Iterable[t.Setting]) -> None:
        """The settings of a section or a variant."""
        for setting in settings:
            self("setting", f"{prefix}{'.'.join(setting.path)}", setting.path_span)


def _add(spec: Spec, file: t.File, problems: Problems) -> None:
    """Add one file's items. The same name twice in one file is an error; in a base file it is replaced."""
    once = _Once(problems)
    spec.comments += file.comments
    for item in file.items:
        match item:
            case t.Let(name=name) | t.Shared(name=name):
                once("let", name, item.name_span)
                spec.lets[name] = item
            case t.Default():
                spec.defaults.append(item)
            case t.Block():
                # A file holds one network, whatever it is called.
                once("network" if item.is_network else "block", "" if item.is_network else item.name, item.name_span)
                _add_block(spec, item, problems)
            case t.Variant(name=name):
                once("variant", name, item.name_span)
                _Once(problems).each(f"{name}: ", item.settings)  # a variant that is there twice is one error
                spec.variants[name] = item
            case t.Section(name="network"):
                once("network", "", item.name_span, SETS_PARAMETERS)
                once.each("network.", item.settings)
            case t.Section(name="search", settings=settings):
                for setting in settings:
                    once("search over", ".".join(setting.path), setting.path_span)
                spec.search += settings
            case t.Section(name=name, settings=settings):
                section = spec.sections.setdefault(name, {})
                spec.section_spans[name] = item.name_span
                once.each(f"{name}.", settings)
                section |= {".".join(setting.path): setting for setting in settings}


def _add_block(spec: Spec, block: t.Block, problems: Problems) -> None:
    if block.is_network:
        spec.network = block
    else:
        spec.blocks[block.name] = block
    names: dict[str, Span] = {}
    for parameter in block.parameters:
        if parameter.name in names:
            first = Label(names[parameter.name], "first defined here")
            message = f"`{block.name}` has two parameters called `{parameter.name}`"
            problems.report("E209", message, parameter.span, labels=(first,), help="rename or remove one of them")
        names.setdefault(parameter.name, parameter.span)
