"""The context of every pass: where problems go, how much work is left, and the calls that led to the current place."""

from collections.abc import Callable, Sequence
from typing import Any

from specc.check.problems import Problems, chain
from specc.check.trace import Trace
from specc.ir.graph import Frame
from specc.source import Span
from specc.tasks import Task
from specc.values import UNKNOWN, Bound
from specc.vocabulary.shape import Shape

MOST_WORK = 600_000  # about as many microseconds; the largest of the published architectures take 40,000
# Channels, height and width of the images of a data source, where its files tell them without being read whole; a text
# that says why they do not.
ShapeOf = Callable[[Bound], Shape | str]
# The task of a data source and what a network has to give, by name, where its files tell them; None where they do not.
LabelsOf = Callable[[Bound], tuple[Task, Sequence[str]] | None]
MOST_LINTED = 15_000  # layers, of all variants together: about half a second; those beyond are not linted


class TooMuch(Exception):
    """The spec grows beyond the bounds of the language; the problem has been reported."""


class Work:
    """What is left of the work that checking one file may take. Counted, not timed: the same on every machine."""

    def __init__(self) -> None:
        self.is_canceled = False  # set by another thread that no longer wants the result
        self.refill()

    def go_on(self) -> None:
        """Raises `TooMuch` where nobody wants the result any more; called between whatever takes a while."""
        if self.is_canceled:
            raise TooMuch

    def refill(self) -> None:
        """Allow as much as for a whole check."""
        self.left = MOST_WORK
        self.lints = MOST_LINTED


class Context:
    """Collects the problems of a check, and counts its work. shape_of, labels_of, trace: see `check`."""

    def __init__(
        self,
        problems: Problems,
        work: Work | None = None,
        shape_of: ShapeOf | None = None,
        labels_of: LabelsOf | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.problems = problems
        self.shape_of, self.labels_of = shape_of, labels_of
        self.work = work or Work()
        self.trace = trace
        self.trail: tuple[Frame, ...] = ()  # the chain of calls that led here, for messages

    def error(self, code: str, message: str, span: Span, **more: Any) -> Any:
        """Report a problem with the chain that led here; its value is UNKNOWN."""
        self.problems.report(code, message, span, notes=chain(self.trail), **more)
        if self.problems.are_too_many:
            raise TooMuch
        return UNKNOWN

    def spend(self, units: int, span: Span) -> None:
        """Count work. Raises `TooMuch` where the whole check takes too much of it, which is reported once."""
        work = self.work
        if work.left < 0 or work.is_canceled:
            raise TooMuch
        work.left -= units
        if work.left < 0:
            help = "check whether a loop, a list or the number of variants is larger than intended"
            self.error("E214", "this file takes too much work to check", span, help=help)
            raise TooMuch
