"""The ways between a name's places: definitions, references, renaming, calls; and the items of the whole workspace."""

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from specc.lsp import calls, navigation, outline
from specc.lsp.analysis import Analysis
from specc.lsp.data import sent_back
from specc.lsp.names import Symbol
from specc.lsp.session import Session

REQUEST_FAILED = -32803  # LSP 3.17


def register(server: LanguageServer, session: Session) -> None:
    """Let the server answer these requests."""
    _names(server, session)
    _calls(server, session)


def _names(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: lsp.DefinitionParams) -> list[lsp.Location] | None:
        analysis = await session.analysis(params.text_document.uri)
        return None if analysis is None else navigation.definition(analysis, params.position)

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    async def highlights(params: lsp.DocumentHighlightParams) -> list[lsp.DocumentHighlight] | None:
        analysis = await session.analysis(params.text_document.uri)
        return None if analysis is None else navigation.highlights(analysis, params.position)

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def references(params: lsp.ReferenceParams) -> list[lsp.Location] | None:
        analysis = await session.analysis(params.text_document.uri)
        if analysis is None:
            return None
        position, declared = params.position, params.context.include_declaration
        return await session.in_worker(
            lambda: navigation.references(analysis, position, session.specs(), with_definition=declared)
        )

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare_rename(params: lsp.PrepareRenameParams) -> lsp.Range | None:
        analysis = await session.analysis(params.text_document.uri)
        one = None if analysis is None else navigation.renamed_here(analysis, params.position)
        return None if one is None or analysis is None else analysis.positions.range(one.span)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def rename(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        analysis = await session.analysis(params.text_document.uri)
        if analysis is None:
            return None
        try:
            return await session.in_worker(
                lambda: navigation.rename(
                    analysis, params.position, params.new_name, session.specs(), session.versions, session.load
                )
            )
        except navigation.Refused as refused:
            raise JsonRpcException(str(refused), REQUEST_FAILED) from None

    @server.feature(lsp.WORKSPACE_SYMBOL)
    async def symbols(params: lsp.WorkspaceSymbolParams) -> list[lsp.WorkspaceSymbol]:
        return await session.in_worker(
            lambda: outline.workspace_symbols(params.query, session.specs(), session.encoding)
        )


def _calls(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY)
    async def prepare_calls(params: lsp.CallHierarchyPrepareParams) -> list[lsp.CallHierarchyItem] | None:
        analysis = await session.analysis(params.text_document.uri)
        return None if analysis is None else calls.prepare(analysis, params.position)

    @server.feature(lsp.CALL_HIERARCHY_INCOMING_CALLS)
    async def incoming(params: lsp.CallHierarchyIncomingCallsParams) -> list[lsp.CallHierarchyIncomingCall]:
        analysis, symbol = await _called(params.item)
        return calls.incoming(analysis, symbol) if analysis else []

    @server.feature(lsp.CALL_HIERARCHY_OUTGOING_CALLS)
    async def outgoing(params: lsp.CallHierarchyOutgoingCallsParams) -> list[lsp.CallHierarchyOutgoingCall]:
        analysis, symbol = await _called(params.item)
        return calls.outgoing(analysis, symbol) if analysis else []

    async def _called(item: lsp.CallHierarchyItem) -> tuple[Analysis | None, Symbol]:
        """The analysis of the text in which an item was prepared, and what it is."""
        uri = session.uri(sent_back(item.data, "of"))
        symbol = Symbol(sent_back(item.data, "kind"), sent_back(item.data, "name"))
        return await session.analysis(uri) if uri else None, symbol
