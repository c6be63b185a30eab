"""What a client may send: a request that is wrong gets the error of the protocol, and the server goes on."""

import asyncio
import io
import json
from types import SimpleNamespace

import pytest
from lsprotocol import types

from specc.errors import SpeccError
from specc.lsp.documents import Document
from specc.lsp.server import create
from specc.lsp.wire import read_message
from tests.helpers.editor import Editor, Failed

SPEC = "network N {\n  input(3, 8x8)\n  conv(4) -> relu\n  flatten -> dense(2)\n}\n"
PLACE = {"textDocument": {"uri": "file:///net.cnn"}, "position": {"line": 0, "character": 0}}


@pytest.fixture
def fresh(tmp_path):
    """A server that nobody has greeted yet."""
    one = Editor(tmp_path, begins=False)
    yield one
    one.process.kill()
    one.process.wait()
    for stream in (one.process.stdin, one.process.stdout, one.process.stderr):
        assert stream is not None
        stream.close()


def refused(editor, method, params):
    with pytest.raises(Failed) as failed:
        editor.request(method, params)
    return failed.value.args[0]


def is_plain(error):
    """Whether an error is a sentence for people, without words of Python's."""
    return not any(word in json.dumps(error) for word in ("Error", "Traceback", "None", "<class", "line 1"))


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("textDocument/nothing", None, -32601),
        ("textDocument/implementation", PLACE, -32601),  # of the protocol, but not offered
        ("$/nothing", {}, -32601),
        ("x" * 1000, {}, -32601),
        ("textDocument/hover", None, -32602),
        ("textDocument/hover", [], -32602),
        ("textDocument/hover", 5, -32602),
        ("textDocument/hover", {}, -32602),
        ("textDocument/hover", PLACE | {"position": {"line": -1, "character": 0}}, -32602),
        ("textDocument/hover", PLACE | {"position": {"line": 0, "character": 1.5}}, -32602),
        ("textDocument/hover", PLACE | {"position": {"line": "0", "character": 0}}, -32602),
        ("textDocument/hover", PLACE | {"position": {"line": 10**30, "character": 0}}, -32602),
        ("textDocument/hover", PLACE | {"position": {"line": True, "character": 0}}, -32602),
        ("textDocument/hover", PLACE | {"textDocument": {"uri": 5}}, -32602),
        ("textDocument/rename", PLACE, -32602),
        ("textDocument/inlayHint", {"textDocument": PLACE["textDocument"]}, -32602),
        ("textDocument/completion", PLACE | {"context": {"triggerKind": 99}}, -32602),
        ("workspace/symbol", {"query": 5}, -32602),
        ("workspace/executeCommand", {"command": "rm"}, -32602),
        ("workspace/executeCommand", {"command": "specc.variant", "arguments": [5, 5]}, -32602),
        ("workspace/executeCommand", {"command": "specc.variant", "arguments": ["a"]}, -32602),
        ("initialize", {"capabilities": {}}, -32600),
    ],
)
def test_a_wrong_request_is_answered_with_an_error(editor, method, params, code):
    error = refused(editor, method, params)
    assert error["code"] == code and is_plain(error) and len(error["message"]) < 200
    assert editor.messages == []


def test_a_request_without_parameters(editor):
    editor.send_body(b'{"jsonrpc": "2.0", "id": "own", "method": "textDocument/hover"}')
    with pytest.raises(Failed) as failed:
        editor.answer("own")
    assert failed.value.args[0]["code"] == -32602


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"nothing", -32700),
        (b'{"a": "\xff"}', -32700),
        (b"\xff\xfe1\x00", -32700),
        (b"NaN", -32700),
        (b"9" * 5000, -32700),
        (b"[" * 100_000, -32700),
        (b"[1, 2]", -32600),
        (b"[]", -32600),
        (b"5", -32600),
        (b"null", -32600),
        (b'"text"', -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": [], "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "shutdown"}', -32600),
    ],
)
def test_what_is_no_message_is_refused(editor, body, code):
    editor.send_body(body)
    with pytest.raises(Failed) as failed:
        editor.answer(1)
    assert failed.value.args[0]["code"] == code and is_plain(failed.value.args[0])
    assert editor.request("workspace/symbol", {"query": "none of this name"}) == []


def test_answers_and_notifications_of_nothing_are_left_out(editor):
    for message in (
        {"id": 999, "result": 5},
        {"id": [], "error": {"code": 1, "message": ""}},
        {"id": "x", "error": 5},
        {"method": "$/nothing"},
        {"method": "textDocument/didNothing", "params": 5},
        {"method": "$/cancelRequest", "params": {"id": 12345}},
    ):
        editor.send_body(json.dumps({"jsonrpc": "2.0", **message}).encode())
    assert editor.request("workspace/symbol", {"query": "none of this name"}) == []
    assert editor.messages == []


def test_a_wrong_notification_is_told(fresh):
    fresh.begin()
    fresh.notify("textDocument/didOpen", {"textDocument": {"uri": 5}})
    fresh.versions["net.cnn"], fresh.texts["net.cnn"] = 1, ""
    fresh.edit("net.cnn", 0, 0, "never opened")
    fresh.close("net.cnn")
    fresh.open("net.cnn", SPEC)
    assert fresh.diagnostics("net.cnn") == []
    first, second = (message["message"] for message in fresh.messages)
    assert "`textDocument/didOpen` with parameters" in first and "without opening it" in second
    assert is_plain(fresh.messages)


def test_the_order_of_a_session(fresh):
    assert refused(fresh, "textDocument/hover", PLACE)["code"] == -32002
    assert refused(fresh, "shutdown", None)["code"] == -32002
    fresh.open("net.cnn", SPEC)  # too early: dropped
    assert refused(fresh, "initialize", {})["code"] == -32602
    fresh.begin()
    assert fresh.of("net.cnn", "documentSymbol") is None
    fresh.request("shutdown", None)
    assert refused(fresh, "textDocument/hover", PLACE)["code"] == -32600
    fresh.notify("exit", None)
    assert fresh.ended() == (0, "")


@pytest.mark.parametrize("greets", [True, False])
def test_to_leave_without_shutdown_is_a_failure(fresh, greets):
    if greets:
        fresh.begin()
        fresh.open("net.cnn", "network N { input(3, 8x8) repeat(40_000) { relu } }")
    fresh.notify("exit", None)
    assert fresh.ended() == (1, "")


def test_an_error_in_the_server_is_an_answer_too(capsys, monkeypatch):
    """One while the answer is worked out, and one while it is written down."""
    server = create()
    sent: list[bytes] = []
    server.protocol.set_writer(SimpleNamespace(write=sent.append))

    async def ask(number, answer):
        monkeypatch.setattr("specc.lsp.completion.resolved", answer)
        message = {"jsonrpc": "2.0", "id": number, "method": "completionItem/resolve", "params": {"label": "a"}}
        server.protocol.receive(json.dumps(message).encode())
        while len(sent) < number:
            await asyncio.sleep(0.01)
        return json.loads(sent[-1].partition(b"\r\n\r\n")[2])

    async def session():
        begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}
        server.protocol.receive(json.dumps(begin).encode())
        return [await ask(2, lambda item: 1 // 0), await ask(3, lambda item: object())]

    for answer in asyncio.run(session()):
        assert answer["error"]["code"] == -32603 and "internal error in specc" in answer["error"]["message"]
    server.session.leave()
    assert capsys.readouterr().err.count("internal error in specc (this is a bug)") == 2


def test_the_folders_of_a_workspace_may_change(fresh, tmp_path):
    fresh.begin()
    (tmp_path / "one.cnn").write_text(SPEC.replace("N {", "First {"))
    other = tmp_path.with_name(f"{tmp_path.name}_other")
    other.mkdir()
    (other / "two.cnn").write_text(SPEC.replace("N {", "Second {"))
    folders = [{"uri": folder.as_uri(), "name": "a"} for folder in (tmp_path, other)]
    fresh.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": folders[1:], "removed": []}})
    assert {one["name"] for one in fresh.request("workspace/symbol", {"query": ""})} == {"First", "Second"}
    fresh.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": folders[:1]}})
    assert {one["name"] for one in fresh.request("workspace/symbol", {"query": ""})} == {"Second"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Content-Length: %d\r\n\r\n{}" % 2**63, "at most"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}", "at most"),
        (b"Content-Length: -1\r\n\r\n{}", "is no number"),
        (b"Content-Length: 1.5\r\n\r\n{}", "is no number"),
        (b"Content-Length: \xff\r\n\r\n{}", "is no number"),
        (b"Content-Type: text\r\n\r\n{}", "has no `Content-Length`"),
        (b'{"jsonrpc": "2.0"}\n', "expected the header"),
        (b"x" * 100_000, "expected the header"),
        (b"Content-Length: 10\r\n\r\n{}", "ends after 2 of the 10 bytes"),
        (b"Content-Length: 10\r\n", "ends within the header"),
    ],
    ids=lambda data: data[:30],
)
def test_where_no_message_can_be_made_out(data, message):
    with pytest.raises(SpeccError) as failed:
        read_message(io.BytesIO(data))
    assert failed.value.code == "E541" and message in failed.value.message and len(failed.value.message) < 150


def test_what_is_no_message_at_all_ends_the_server(fresh):
    fresh.send_bytes(b"Content-Length: %d\r\n\r\n{}" % 2**63)
    status, errors = fresh.ended()
    assert status == 2 and errors.startswith("error[E541]: ") and "Traceback" not in errors


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: %d\r\n\r\n",
        b"content-length:%d\r\n\r\n",
        b"Content-Length: 00%d\n\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"\r\nContent-Length: %d  \r\nX: y\r\n\r\n",
    ],
)
def test_headers_as_clients_write_them(header):
    stream = io.BytesIO(2 * (header % 4 + b"body"))
    assert [read_message(stream) for _ in range(3)] == [b"body", b"body", None]


@pytest.mark.parametrize("kind", ["codeLens/resolve", "codeAction/resolve", "completionItem/resolve", "calls"])
@pytest.mark.parametrize("data", [None, 5, [], "text", {"uri": 5}, {"of": [], "kind": {}, "name": 1}])
def test_what_the_client_sends_back_may_be_anything(editor, kind, data):
    area = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    if kind == "calls":
        item = {"name": "a", "kind": 5, "uri": "file:///a", "range": area, "selectionRange": area, "data": data}
        assert editor.request("callHierarchy/incomingCalls", {"item": item}) == []
    else:
        item = {"range": area, "title": "t", "label": "l", "data": data}
        assert editor.request(kind, item)


@pytest.mark.parametrize(
    "uri", ["", "file:", "file:///%00", "file://host/a", "untitled:1", "x" * 5000, "file:///é", "%"]
)
def test_any_address_may_be_opened(editor, uri):
    document = {"uri": uri, "languageId": "cnn", "version": 1, "text": f'extends "a.cnn"\n{SPEC}'}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    assert editor.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}}) is not None
    place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 11}}
    editor.request("textDocument/completion", place)
    editor.request("textDocument/references", place | {"context": {"includeDeclaration": True}})
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}}) is None


def change(document, start, end, text):
    area = types.Range(types.Position(*start), types.Position(*end))
    document.change([types.TextDocumentContentChangePartial(area, text)], document.version + 1)
    return document.source.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_place_outside_the_text_is_moved_into_it(encoding):
    document = Document("file:///a.cnn", "ab\ncd", 1, encoding)
    assert change(document, (0, 9), (0, 99), "x") == "abx\ncd"
    assert change(document, (7, 3), (9, 0), "y") == "abx\ncdy"
    assert change(document, (1, 0), (0, 99), "") == "abxcdy"  # the wrong way round
    assert change(document, (0, 0), (2**31 - 1, 2**31 - 1), "") == ""


def test_places_outside_the_text_are_moved_into_it_everywhere(editor):
    editor.open("out.cnn", SPEC)
    far = {"line": 2**31 - 1, "character": 2**31 - 1}
    area = {"start": far, "end": far}
    for method in ("hover", "completion", "definition", "signatureHelp", "prepareRename", "documentHighlight"):
        editor.of("out.cnn", method, position=far)
    editor.of("out.cnn", "selectionRange", positions=[far])
    editor.of("out.cnn", "codeAction", range=area, context={"diagnostics": []})
    assert editor.of("out.cnn", "inlayHint", range=area) == []


def test_line_endings_are_kept_apart_from_what_is_checked():
    document = Document("file:///a.cnn", "a\r\nb\rc\nd", 1, "utf-16")
    assert document.source.text == "a\nb\nc\nd"
    assert change(document, (3, 0), (3, 1), "é") == "a\nb\nc\né"
    assert change(document, (2, 1), (2, 1), "\r") == "a\nb\nc\né"  # before the `\n`: one line ending as before
    assert change(document, (0, 1), (1, 0), "") == "ab\nc\né"
    assert document.written == "ab\rc\r\né"
