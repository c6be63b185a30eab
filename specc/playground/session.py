"""What the page asks of the checker, which runs beside it in the browser: texts go in, plain data come out.

One text is open. Places in it are offsets in UTF-16 code units, as JavaScript counts.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lsprotocol.types import CompletionItemKind

from specc.check import check
from specc.check.context import Work
from specc.check.fixes import mend
from specc.check.gather.files import NoFiles
from specc.check.gather.spec import Spec
from specc.errors import SpeccError
from specc.lsp.analysis import Analysis
from specc.lsp.completion import completion
from specc.lsp.documents import Edit
from specc.lsp.edits import Hunk, hunks
from specc.lsp.figures import summary
from specc.lsp.hints import KEPT, MODES, Known
from specc.lsp.hover import hover
from specc.lsp.pages import entry_of, word_page
from specc.lsp.positions import normal
from specc.lsp.session import remembered
from specc.lsp.signature import signature_help
from specc.playground.offsets import Offsets
from specc.playground.panes import PANES, names, problem
from specc.reading import LARGEST, ZOO, load_base
from specc.report.pages import pages
from specc.source import Source
from specc.syntax.format import format_source

NAME = "net.cnn"
ALONE = NoFiles(
    "the playground holds one spec: only those of the zoo can be extended here",
    'extend a spec of the zoo, as in `extends "zoo:resnet18"`, or copy what this one needs into it',
)
Answer = dict[str, Any]


class Session:
    """The text that is open.

    known, spec: the shapes and the items that were last known, for where a text that is being typed does not tell them.
    """

    def __init__(self) -> None:
        self.analysis = _analysis(Source(NAME, ""), "")
        self.known = Known()
        self.spec = Spec(self.analysis.source)

    def check(self, text: str, variant: str) -> Answer:
        """Check a text; gives its problems, shapes and names. variant: whose shapes; "" for the spec's own."""
        source = _source(text)
        if variant != self.analysis.variant:
            self.known = Known()
        self.known.move([_edit(self.analysis.source.text, source.text)])
        self.analysis = analysis = _analysis(source, variant)
        self.known.learn(analysis, MODES[0])
        self.spec = remembered(self.spec, analysis.trace.spec)
        at = Offsets(source.text)
        return {
            "problems": [problem(one, analysis, at) for one in analysis.checked.diagnostics],
            "hints": [[at.units(one.offset), one.text, KEPT if one.is_old else ""] for one in self.known.hints],
            "names": names(analysis, at),
            "variants": list(analysis.checked.variants),
            "variant": analysis.shown.variant or "",
            "summary": summary(analysis.shown),
        }

    def pane(self, name: str) -> Answer | None:
        """What a pane shows of the network; None where it has errors."""
        graph = self.analysis.shown.graph
        return None if graph is None or self.analysis.shown.errors else PANES[name](self.analysis, graph)

    def hover(self, offset: int) -> Answer | None:
        """What there is to say about the name at an offset, in Markdown."""
        at, positions = Offsets(self.analysis.source.text), self.analysis.positions
        told = hover(self.analysis, positions.position(at.characters(offset)))
        if told is None or told.range is None:
            return None
        start, end = positions.offsets(told.range)
        return {"text": told.contents.value, "from": at.units(start), "to": at.units(end)}  # type: ignore[union-attr]

    def complete(self, text: str, offset: int) -> list[Answer]:
        """What may be typed at an offset; `insert` is a snippet where it has `$`."""
        source = _source(text)
        items = completion(source, self.spec, Offsets(source.text).characters(offset), snippets=True)
        return [
            {
                "label": item.label,
                "filter": item.filter_text or item.label,
                "detail": item.detail or "",
                "kind": CompletionItemKind(item.kind).name if item.kind else "",
                "insert": item.insert_text or item.label,
                "snippet": item.insert_text_format is not None,
                "sort": item.sort_text or item.label,
                "word": item.data,
            }
            for item in items
        ]

    def word(self, family: str, name: str) -> str:
        """The page of a word of the language, in Markdown; empty where there is none."""
        entry = entry_of(family, name)
        return word_page(entry) if entry else ""

    def signature(self, text: str, offset: int) -> Answer | None:
        """The parameters of the call in whose arguments an offset is. active: the number of the one that is meant."""
        source = _source(text)
        told = signature_help(source, self.spec, Offsets(source.text).characters(offset))
        if told is None:
            return None
        (one,) = told.signatures
        parameters = [[one.label, one.documentation or ""] for one in one.parameters or ()]
        return {"name": one.label.partition("(")[0], "parameters": parameters, "active": told.active_parameter}

    def format(self, text: str) -> list[list[Any]] | None:
        """What brings a text into the canonical layout, as changes; None where it has syntax errors."""
        source = _source(text)
        formatted = format_source(source).text
        return None if formatted is None else _changes(hunks(source.text, formatted), source)

    def fix_all(self, text: str) -> list[list[Any]]:
        """All repairs of which the checker is certain, as changes."""
        source = _source(text)
        mended = mend(source, lambda one: check(one, load=load, everything=True).diagnostics)
        return _changes(hunks(source.text, mended.source.text), source)

    def explain(self, code: str) -> str:
        """The page of a code, in Markdown; empty where there is none."""
        page = pages().get(code)
        return page.text() if page else ""


def methods(session: Session) -> Mapping[str, Callable[..., Any]]:
    """What may be asked, by name."""
    asked = (
        *(session.check, session.pane, session.hover, session.complete, session.word),
        *(session.signature, session.format, session.fix_all, session.explain),
    )
    return {method.__name__: method for method in asked}


def answering() -> Callable[[str], str]:
    """A session as one function: from a request, `["check", "network …", ""]`, to `{"answer": …}`, or to
    `{"failure": "what went wrong"}`. No exception leaves it."""
    known = methods(Session())

    def answer(request: str) -> str:
        try:
            name, *arguments = json.loads(request)
            return json.dumps({"answer": known[name](*arguments)})
        except SpeccError as error:
            return json.dumps({"failure": "\n".join(filter(None, [error.message, error.help]))})
        except MemoryError:
            return json.dumps({"failure": "this text takes more memory than a page has"})
        except Exception as error:  # noqa: BLE001 - the last line of defense
            return json.dumps({"failure": f"internal error in specc (this is a bug): {type(error).__name__}: {error}"})

    return answer


def load(path: str, source: Source) -> Source | str | NoFiles:
    """What a spec extends: a model of the zoo."""
    return load_base(path, source) if path.startswith(ZOO) else ALONE


def _source(text: str) -> Source:
    """A text as a spec. Raises SpeccError E103 for one that is too large."""
    if len(text) > LARGEST:
        message = f"this text has {len(text):,} characters; a spec may have at most {LARGEST:,}"
        raise SpeccError("E103", message, help="check that this is a spec")
    return Source(NAME, normal(text))


def _analysis(source: Source, variant: str) -> Analysis:
    analysis = Analysis(source, 0, variant, "utf-32")
    analysis.check(load, Work(), check)
    return analysis


def _edit(before: str, after: str) -> Edit:
    """What turns one text into another, as a single edit."""
    shorter = min(len(before), len(after))
    start = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    rest = shorter - start
    end = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    return Edit(start, len(before) - end, len(after) - end - start)


def _changes(changed: Iterable[Hunk], source: Source) -> list[list[Any]]:
    at = Offsets(source.text)
    return [[at.units(hunk.start), at.units(hunk.end), hunk.text] for hunk in changed]
