"""A sink that keeps what it is told, in the place of one whose package need not be installed."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


class Told:
    """calls: the names of methods with their arguments. fails: the name of one that raises."""

    where = "nowhere"

    def __init__(self, fails: str = "") -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.fails = fails

    def __getattr__(self, name: str) -> Callable[..., None]:
        def method(*arguments: Any, **named: Any) -> None:
            self.calls.append((name, (*arguments, *named.values())))
            if name == self.fails:
                raise ConnectionError("the server is gone")

        return method

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """What a method was called with."""
        return [arguments for called, arguments in self.calls if called == name]


def install(put: Callable[[str, Any], object], sink: Told | None = None) -> Told:
    """Let every sink be this one. put: sets the attribute at a path, as `monkeypatch.setattr` does."""
    sink = sink or Told()
    for module in ("sink", "teller"):
        import_module(f"specc.backend.sinks.{module}")
        put(f"specc.backend.sinks.{module}.need", lambda name: None)
        put(f"specc.backend.sinks.{module}.open_sink", lambda name, about: sink)
    return sink
