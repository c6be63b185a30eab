"""A word of the vocabulary of data and training."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from specc.values import Args, Bound
from specc.vocabulary.param import REQUIRED, Param


@dataclass(eq=False, repr=False)
class Component:
    """One call of the training or data vocabulary: an optimizer, a schedule, an augmentation, a data source, …

    A word is an instance of the class of its family (`specc.vocabulary.family`), which adds what only that family says
    of itself.

    family: which settings take it ("optimizer", "schedule", "loss", "regularizer", "augment", "source", "init", …).
    is_open: installed packages may add words. A closed family's words are settings that the back end reads.
    params: in the order of positional arguments.
    check(a): raises `Problem` where arguments that are each in range do not go together.
    body: "" (takes none), "one" or "branches".
    """

    family: ClassVar[str]
    is_open: ClassVar[bool] = True

    name: str
    doc: str
    params: tuple[Param, ...] = ()
    _: KW_ONLY
    example: str
    check: Callable[[Args], None] | None = None
    body: str = ""

    def call(self, **arguments: Any) -> Bound:
        """A call of this word, with its own defaults for the arguments that are not given."""
        values = {param.name: arguments.get(param.name, param.default) for param in self.params}  # in their own order
        return Bound(self.name, Args(**{name: value for name, value in values.items() if value is not REQUIRED}))

    def broken_promise(self) -> str:
        """What the word says of itself that does not hold, completing "the loss `mine` …"; empty where all holds."""
        return ""

    def lacks(self, *names: str) -> str:
        """A complaint about the first of these arguments that the word does not have; "" where it has them."""
        own = [param.name.lstrip("*") for param in self.params]
        missing = next((name for name in names if name not in own), "")
        return f"has no parameter `{missing}`" if missing else ""
