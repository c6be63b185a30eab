"""What helps while typing does not wait for a check: it takes the present text, and what was last known."""

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from specc.lsp import completion, signature
from specc.lsp.session import Session


def register(server: LanguageServer, session: Session) -> None:
    """Let the server answer these requests."""

    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION,
        lsp.CompletionOptions(trigger_characters=completion.TRIGGERS, resolve_provider=True),
    )
    async def complete(params: lsp.CompletionParams) -> list[lsp.CompletionItem] | None:
        one = session.open.get(params.text_document.uri)
        if one is None:
            return None
        offset = one.document.positions.offset(params.position)
        return completion.completion(one.document.source, one.spec, offset, _takes_snippets(server))

    @server.feature(lsp.COMPLETION_ITEM_RESOLVE)
    async def resolve(item: lsp.CompletionItem) -> lsp.CompletionItem:
        return await session.in_worker(lambda: completion.resolved(item))

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(trigger_characters=signature.TRIGGERS))
    async def signatures(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        one = session.open.get(params.text_document.uri)
        if one is None:
            return None
        offset = one.document.positions.offset(params.position)
        return signature.signature_help(one.document.source, one.spec, offset)


def _takes_snippets(server: LanguageServer) -> bool:
    """Whether the client fills in templates."""
    texts = server.client_capabilities.text_document
    items = texts.completion.completion_item if texts and texts.completion else None
    return bool(items and items.snippet_support)
