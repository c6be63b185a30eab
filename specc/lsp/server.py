"""The server: which request of the protocol is answered by what."""

from collections.abc import Callable
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from specc import __version__
from specc.lsp import actions, diagnostics, formatting
from specc.lsp.analysis import Analysis
from specc.lsp.requests import moving, reading, typing
from specc.lsp.session import Open, Session


class Protocol(LanguageServerProtocol):
    """pygls 2.1 keeps the future of every notification for ever, so that memory would grow with every edit."""

    def _execute_handler(
        self, msg_id: Any, handler: Any, callback: Callable[[Any], None], args: Any = None, kwargs: Any = None
    ) -> None:
        def done(future: Any) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)


class Server(LanguageServer):
    """A language server with the texts that are open in its client."""

    def __init__(self) -> None:
        super().__init__("specc", __version__, protocol_cls=Protocol)
        self.session = Session(self.publish)

    def publish(self, one: Open, analysis: Analysis) -> None:
        """Send the problems of a text, and let the client ask again for what follows from its shapes."""
        found = diagnostics.diagnostics(analysis)
        uri = one.document.uri
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, analysis.version))
        if one.is_stale:
            one.is_stale = False
            self.refresh()

    def refresh(self) -> None:
        """Have the client ask again for what it asks for only after an edit."""
        workspace = self.client_capabilities.workspace
        if workspace and workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)


def create() -> Server:
    """A server that has all features."""
    server = Server()
    session = server.session
    _lifecycle(server, session)
    _texts(server, session)
    _repairs(server, session)
    typing.register(server, session)
    reading.register(server, session)
    moving.register(server, session)
    return server


def _lifecycle(server: Server, session: Session) -> None:
    @server.feature(lsp.INITIALIZED)
    def initialized(params: lsp.InitializedParams) -> None:
        session.encoding = server.workspace.position_encoding or "utf-16"
        session.enter(list(server.workspace.folders))

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        session.configure(params.initialization_options)
        session.options = session.settings

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(params: lsp.DidChangeConfigurationParams) -> None:
        session.configure(params.settings)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def changed_on_disk(params: lsp.DidChangeWatchedFilesParams) -> None:
        session.check_all()

    @server.feature(lsp.SHUTDOWN)
    def shutdown(params: Any) -> None:
        session.worker.shutdown(wait=False, cancel_futures=True)


def _texts(server: Server, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        session.opened(document.uri, document.text, document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        session.changed(params.text_document.uri, params.content_changes, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        session.closed(params.text_document.uri)
        server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    async def format_all(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        return await _format(params.text_document.uri, None)

    @server.feature(lsp.TEXT_DOCUMENT_RANGE_FORMATTING)
    async def format_range(params: lsp.DocumentRangeFormattingParams) -> list[lsp.TextEdit] | None:
        return await _format(params.text_document.uri, params.range)

    async def _format(uri: str, area: lsp.Range | None) -> list[lsp.TextEdit] | None:
        one = session.open.get(uri)
        if one is None:
            return None
        source = one.document.source
        return await session.in_worker(lambda: formatting.formatting(source, session.encoding, area))


def _repairs(server: Server, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(actions.KINDS, resolve_provider=True))
    async def code_actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
        analysis = await session.analysis(params.text_document.uri)
        if analysis is None:
            return None
        return actions.actions(analysis, params.text_document.uri, params.range, params.context.only)

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    async def resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        uri = (action.data or {}).get("uri", "")
        analysis = await session.analysis(uri)
        if analysis is not None and action.edit is None:
            action.edit = await session.in_worker(lambda: actions.fix_all(analysis, uri, session.problems))
        return action
