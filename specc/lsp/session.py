"""The open texts and their checks: one worker checks, and a newer edit cancels the check of an older text."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp

from specc.check.context import Work
from specc.check.gather.spec import Spec
from specc.diagnostics import Diagnostic
from specc.lsp.analysis import Analysis
from specc.lsp.documents import Document, Edit, path_of
from specc.lsp.hints import MODES, Known
from specc.lsp.workspace import Whole, specs
from specc.reading import check_spec, load_base
from specc.source import Source

T = TypeVar("T")
Publish = Callable[["Open", Analysis], None]


class Open:
    """A text that is open. analysis: the newest that is finished. variant: whose shapes the user wants to see.

    known, spec: the shapes and the items that were last known, for where a text that is being typed does not tell them.
    task: the check of the present text. work: what the check may use up, through which it is canceled.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.analysis: Analysis | None = None
        self.variant = ""
        self.known = Known()
        self.spec = Spec(document.source)
        self.task: asyncio.Task[None] | None = None
        self.is_stale = False  # the client has not asked for shapes since they changed without an edit
        self.work = Work()


def remembered(before: Spec, now: Spec | None) -> Spec:
    """The items of a text; where a part of it cannot be read, also those that it had before."""
    if now is None or not now.is_broken:
        return now or before
    both = now.copy()
    both.blocks, both.lets = before.blocks | now.blocks, before.lets | now.lets
    both.variants, both.network = before.variants | now.variants, now.network or before.network
    return both


class Session:
    """All open texts. encoding: of the columns. publish: is given every analysis of a text that is not out of date."""

    def __init__(self, publish: Publish) -> None:
        self.encoding = "utf-16"
        self.publish = publish
        self.open: dict[str, Open] = {}
        self.settings: dict[str, Any] = {}
        self.options: dict[str, Any] = {}  # with which the client started the server
        self.folders: list[Path] = []
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="check")

    # ---- texts

    def opened(self, uri: str, text: str, version: int) -> None:
        if uri in self.open:
            self.closed(uri)
        self.open[uri] = Open(Document(uri, text, version, self.encoding))
        self._check(uri)

    def changed(self, uri: str, changes: Sequence[lsp.TextDocumentContentChangeEvent], version: int) -> None:
        one = self.open[uri]
        edits: list[Edit] = one.document.change(changes, version)
        one.known.move(edits)
        self._check(uri)

    def closed(self, uri: str) -> None:
        one = self.open.pop(uri, None)
        if one is None:
            return
        one.work.is_canceled = True
        for other, held in self.open.items():
            if held.analysis is not None and one.document.path in held.analysis.paths:
                self._check_again(other)  # what it extends is the file again

    def choose(self, uri: str, variant: str) -> None:
        """Show the shapes of a variant; "" for the spec as it is written."""
        if uri in self.open and self.open[uri].variant != variant:
            self.open[uri].variant = variant
            self.open[uri].known = Known()
            self._check_again(uri)

    # ---- checks

    def _check_again(self, uri: str) -> None:
        """Check a text that did not change, though what it depends on did."""
        self.open[uri].is_stale = True
        self._check(uri)

    def _check(self, uri: str) -> None:
        """Check the present text, instead of an older one of it."""
        one = self.open[uri]
        one.work.is_canceled = True
        one.work = Work()
        variant = one.variant or str(self.settings.get("variant") or "")
        analysis = Analysis(one.document.source, one.document.version, variant, self.encoding)
        one.task = asyncio.get_running_loop().create_task(self._run(one, analysis, one.work))

    async def _run(self, one: Open, analysis: Analysis, work: Work) -> None:
        if self.open.get(one.document.uri) is not one or work.is_canceled:
            return
        await self.in_worker(lambda: None if work.is_canceled else analysis.check(self.load, work))
        if self.open.get(one.document.uri) is not one or one.work is not work:
            return  # it was closed, or edited meanwhile
        one.analysis = analysis
        one.known.learn(analysis, self.mode)
        one.spec = remembered(one.spec, analysis.trace.spec)
        self.publish(one, analysis)
        self._check_dependents(analysis)

    def _check_dependents(self, base: Analysis) -> None:
        """Check the texts that extend one that changed."""
        for uri, one in self.open.items():
            held = one.analysis
            if held is None or held.source.path == base.source.path:
                continue
            stale = [file.source for file in held.files if file.source.path == base.source.path]
            if stale and stale[0].text != base.source.text:
                self._check_again(uri)

    async def analysis(self, uri: str) -> Analysis | None:
        """That of the present text, once it is there; None where the text is not open."""
        while (one := self.open.get(uri)) is not None and one.task is not None:
            task = one.task
            await asyncio.shield(task)
            if task is one.task:
                return one.analysis
        return None

    async def in_worker(self, function: Callable[[], T]) -> T:
        """Run a function where checks run: one at a time, while edits are still read."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, function)

    def problems(self, source: Source) -> list[Diagnostic]:
        """All problems of a text that is not open."""
        return check_spec(source, load=self.load, everything=True).diagnostics

    def load(self, path: str, source: Source) -> Source | str:
        """What a spec extends: the text that is open, or else the file."""
        wanted = os.path.normpath(Path(source.path).parent / path)
        for one in list(self.open.values()):
            if one.document.path == wanted and wanted.endswith(".cnn"):
                return one.document.source
        return load_base(path, source)

    def uri(self, path: str) -> str | None:
        """The address under which a path is open."""
        return next((uri for uri, one in self.open.items() if one.document.path == path), None)

    def specs(self) -> Iterator[Whole]:
        """All specs of the workspace, as they are in the editor or on disk."""
        return specs(self.folders, [one.document.source for one in list(self.open.values())], self.load)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that the client has, as it says when it starts the server."""
        commands = self.options.get("commands")
        return tuple(map(str, commands)) if isinstance(commands, list) else ()

    @property
    def versions(self) -> dict[str, int]:
        return {uri: one.document.version for uri, one in self.open.items()}

    def configure(self, settings: Any) -> None:
        """Take the editor's settings, and check what they concern."""
        own = settings.get("specc", settings) if isinstance(settings, dict) else {}
        before, self.settings = self.settings, own if isinstance(own, dict) else {}
        if before != self.settings:
            self.check_all()

    @property
    def mode(self) -> str:
        """Which shapes are shown, by the editor's setting `specc.hints`."""
        mode = self.settings.get("hints")
        return mode if mode in MODES else MODES[0]

    def check_all(self) -> None:
        """Check all open texts again: files changed that they may depend on."""
        for uri in self.open:
            self._check_again(uri)

    def enter(self, folders: Sequence[str]) -> None:
        """Take the folders of the workspace, by their addresses."""
        self.folders = [Path(path_of(uri)) for uri in folders if uri.startswith("file:")]

    def leave(self) -> None:
        """Give up what is still being checked."""
        for one in self.open.values():
            one.work.is_canceled = True
        self.worker.shutdown(wait=False, cancel_futures=True)
