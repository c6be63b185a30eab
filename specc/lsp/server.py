"""The server: which request of the protocol is answered by what."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.io_ import StdoutWriter
from pygls.lsp.server import LanguageServer

from specc import __version__
from specc.lsp import actions, diagnostics, formatting
from specc.lsp.analysis import Analysis
from specc.lsp.data import sent_back
from specc.lsp.protocol import INTERNAL_ERROR, Protocol, defect, strict_converter
from specc.lsp.requests import moving, reading, typing
from specc.lsp.session import Open, Session
from specc.lsp.wire import read_message


class Server(LanguageServer):
    """A language server with the texts that are open in its client."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__("specc", __version__, protocol_cls=Protocol, converter_factory=strict_converter)
        self.session = Session(self.publish)

    def serve(self, stdin: BinaryIO, stdout: BinaryIO) -> int:
        """Answer what comes until the client leaves. Gives the exit status: 1 where it does not say `shutdown` first.

        Raises SpeccError E541 where what comes is no message.
        """
        self.protocol.set_writer(StdoutWriter(stdout))
        try:
            return asyncio.run(self._serve(stdin))
        finally:
            self.session.leave()

    async def _serve(self, stdin: BinaryIO) -> int:
        loop, reader = asyncio.get_running_loop(), ThreadPoolExecutor(1, thread_name_prefix="read")
        while (body := await loop.run_in_executor(reader, read_message, stdin)) is not None:
            self.protocol.receive(body)
            if self.protocol.status is not None:
                return self.protocol.status
        return 0  # an editor that is gone waits for no status

    def report_server_error(self, error: Exception, source: Any) -> None:
        """pygls calls this where it cannot write an answer down; errors that are answers have been sent already."""
        if isinstance(error, JsonRpcException):
            return
        number = self.protocol.msg_id
        if number is None:
            self.protocol.say(defect(error))
        else:
            self.protocol.refuse(number, INTERNAL_ERROR, defect(error))

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
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        session.encoding = server.workspace.position_encoding or "utf-16"
        root = server.workspace.root_uri
        session.enter(list(server.workspace.folders) or ([root] if root else []))
        session.configure(params.initialization_options)
        session.options = session.settings

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def folders_changed(params: lsp.DidChangeWorkspaceFoldersParams) -> None:
        session.enter(list(server.workspace.folders))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configured(params: lsp.DidChangeConfigurationParams) -> None:
        session.configure(params.settings)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def changed_on_disk(params: lsp.DidChangeWatchedFilesParams) -> None:
        session.check_all()

    @server.feature(lsp.SHUTDOWN)
    def shutdown(params: Any) -> None:
        session.leave()


def _texts(server: Server, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        session.opened(document.uri, document.text, document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        if params.text_document.uri in session.open:
            session.changed(params.text_document.uri, params.content_changes, params.text_document.version)
        else:
            server.protocol.say(f"the editor changed {params.text_document.uri} without opening it")

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
        uri = sent_back(action.data, "uri")
        analysis = await session.analysis(uri)
        if analysis is not None and action.edit is None:
            action.edit = await session.in_worker(lambda: actions.fix_all(analysis, uri, session.problems))
        return action
