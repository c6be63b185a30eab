"""What is shown of a text: shapes, pages, structure, colors and lenses."""

from collections.abc import Callable
from typing import TypeVar

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from specc.lsp import hints, hover, lenses, outline, tokens
from specc.lsp.analysis import Analysis
from specc.lsp.data import sent_back
from specc.lsp.session import Session

T = TypeVar("T")


def register(server: LanguageServer, session: Session) -> None:
    """Let the server answer these requests."""
    _text(server, session)
    _lenses(server, session)


def _text(server: LanguageServer, session: Session) -> None:
    async def of(uri: str, answer: Callable[[Analysis], T]) -> T | None:
        """An answer that is read from the analysis of the present text; None where it is not open."""
        analysis = await session.analysis(uri)
        return None if analysis is None else answer(analysis)

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def inlay_hints(params: lsp.InlayHintParams) -> list[lsp.InlayHint] | None:
        uri = params.text_document.uri
        return await of(uri, lambda one: hints.inlay_hints(session.open[uri].known.hints, one, params.range))

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        return await of(params.text_document.uri, lambda one: hover.hover(one, params.position))

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol] | None:
        return await of(params.text_document.uri, outline.document_symbols)

    @server.feature(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
    async def foldings(params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange] | None:
        return await of(params.text_document.uri, outline.folding_ranges)

    @server.feature(lsp.TEXT_DOCUMENT_SELECTION_RANGE)
    async def selections(params: lsp.SelectionRangeParams) -> list[lsp.SelectionRange] | None:
        return await of(params.text_document.uri, lambda one: outline.selection_ranges(one, params.positions))

    @server.feature(lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, tokens.LEGEND)
    async def semantic_tokens(params: lsp.SemanticTokensParams) -> lsp.SemanticTokens | None:
        return await of(params.text_document.uri, tokens.semantic_tokens)


def _lenses(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensOptions(resolve_provider=True))
    async def code_lenses(params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
        uri = params.text_document.uri
        analysis = await session.analysis(uri)
        return None if analysis is None else lenses.lenses(analysis, uri, session.commands)

    @server.feature(lsp.CODE_LENS_RESOLVE)
    async def resolve(lens: lsp.CodeLens) -> lsp.CodeLens:
        analysis = await session.analysis(sent_back(lens.data, "uri"))
        if analysis is None:
            return lens
        return await session.in_worker(lambda: lenses.resolved(lens, analysis, session.load))

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_LINK)
    async def links(params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink] | None:
        analysis = await session.analysis(params.text_document.uri)
        return None if analysis is None else lenses.document_links(analysis)

    @server.command(lenses.CHOOSE)
    async def choose(uri: str, variant: str) -> None:
        session.choose(uri, variant)
