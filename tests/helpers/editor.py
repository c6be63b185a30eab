"""An editor as a test needs one: it starts `specc lsp` and speaks JSON-RPC over its standard input and output."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"inlayHint": {"refreshSupport": True}, "workspaceEdit": {"documentChanges": True}},
    "textDocument": {
        "completion": {"completionItem": {"snippetSupport": True}},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
    },
}
PATIENCE = 60  # seconds
Json = dict[str, Any]


class Failed(Exception):
    """The server answered a request with an error."""


class Editor:
    """A client with the texts that are open in it. problems: the diagnostics last published, by address."""

    def __init__(
        self, root: Path, *, encoding: str = "utf-16", settings: Json | None = None, begins: bool = True
    ) -> None:
        self.root, self.encoding = root, encoding
        self.process = subprocess.Popen(
            [sys.executable, "-m", "specc", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root,
        )
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.problems: dict[str, Json] = {}
        self.asked: list[str] = []  # the methods that the server called
        self.messages: list[Json] = []  # what it wants to be shown
        self.number = 0
        self.answers: queue.Queue[Json] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        if begins:
            self.begin(settings)

    def begin(self, settings: Json | None = None) -> None:
        """Greet the server; `begins=False` leaves that to the test."""
        general = CAPABILITIES | {"general": {"positionEncodings": [self.encoding]}}
        parameters: Json = {"processId": None, "rootUri": self.root.as_uri(), "capabilities": general}
        parameters["workspaceFolders"] = [{"uri": self.root.as_uri(), "name": "root"}]
        parameters["initializationOptions"] = settings
        self.capabilities: Json = self.request("initialize", parameters)["capabilities"]
        self.notify("initialized", {})

    # ---- messages

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.partition(b":")[2])
            while stream.readline().strip():
                pass
            message = json.loads(stream.read(length))
            if message.get("method") == "textDocument/publishDiagnostics":
                self.problems[message["params"]["uri"]] = message["params"]
            elif message.get("method") in ("window/showMessage", "window/logMessage"):
                self.messages.append(message["params"])
            elif "method" in message and "id" in message:
                self.asked.append(message["method"])
                self._send({"id": message["id"], "result": None})
            elif "id" in message:
                self.answers.put(message)
        self.answers.put({"id": None, "error": "the server is gone"})

    def send_bytes(self, data: bytes) -> None:
        """Send anything, as a client that is broken does."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send_body(self, body: bytes) -> None:
        """Send anything as a message."""
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def _send(self, message: Json) -> None:
        self.send_body(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, params: Any) -> int:
        """Send a request without waiting for its answer; gives its number."""
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        return self.number

    def answer(self, number: int) -> Any:
        """The answer to a request; those to earlier ones are dropped."""
        while True:
            message = self.answers.get(timeout=PATIENCE)
            if message["id"] == number or message["id"] is None:
                if "error" in message:
                    raise Failed(message["error"])
                return message["result"]

    def request(self, method: str, params: Any) -> Any:
        return self.answer(self.ask(method, params))

    # ---- texts

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str) -> None:
        self.texts[name], self.versions[name] = text, 1
        document = {"uri": self.uri(name), "languageId": "cnn", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def edit(self, name: str, start: int, end: int, new: str) -> None:
        """Replace a part of a text, by offsets in characters."""
        text = self.texts[name]
        self.versions[name] += 1
        change = {"range": {"start": self.at(name, start), "end": self.at(name, end)}, "text": new}
        self.texts[name] = text[:start] + new + text[end:]
        document = {"uri": self.uri(name), "version": self.versions[name]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def close(self, name: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})

    def at(self, name: str, offset: int) -> Json:
        """The position of an offset, in the units that were agreed on."""
        before = self.texts[name][:offset]
        line = before.rpartition("\n")[2]
        codec, unit = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[self.encoding]
        return {"line": before.count("\n"), "character": len(line.encode(codec)) // unit}

    def offset(self, name: str, position: Json) -> int:
        """The offset of a position."""
        text = self.texts[name]
        start = sum(len(line) + 1 for line in text.split("\n")[: position["line"]])
        return next((at for at in range(start, len(text) + 1) if self.at(name, at) == position), len(text))

    def place(self, name: str, what: str, shift: int = 0, number: int = 1) -> Json:
        """What a request at the `number`th occurrence of a text is sent with."""
        at = -1
        for _ in range(number):
            at = self.texts[name].index(what, at + 1)
        return {"textDocument": {"uri": self.uri(name)}, "position": self.at(name, at + shift)}

    def of(self, name: str, method: str, **more: Any) -> Any:
        """Ask for something about a whole text."""
        return self.request(f"textDocument/{method}", {"textDocument": {"uri": self.uri(name)}, **more})

    def whole(self, name: str) -> Json:
        return {"start": {"line": 0, "character": 0}, "end": self.at(name, len(self.texts[name]))}

    def hints(self, name: str) -> list[tuple[int, str]]:
        """The line and the text of each inlay hint."""
        hints = self.of(name, "inlayHint", range=self.whole(name))
        return [(hint["position"]["line"], hint["label"]) for hint in hints]

    def shown(self, name: str) -> str:
        """A text with its hints behind the places that they belong to, as a person sees it."""
        text = self.texts[name]
        for hint in reversed(self.of(name, "inlayHint", range=self.whole(name))):
            at = self.offset(name, hint["position"])
            text = f"{text[:at]}⟨{hint['label']}⟩{text[at:]}"
        return text

    def diagnostics(self, name: str) -> list[Json]:
        """The problems of the present text: they come before the answer to a request."""
        self.hints(name)
        published = self.problems[self.uri(name)]
        assert published["version"] == self.versions[name]
        problems: list[Json] = published["diagnostics"]
        return problems

    def applied(self, name: str, edits: list[Json]) -> str:
        """A text after edits."""
        text = self.texts[name]
        places = [(self.offset(name, e["range"]["start"]), self.offset(name, e["range"]["end"])) for e in edits]
        for (start, end), edit in sorted(zip(places, edits, strict=True), key=lambda pair: pair[0], reverse=True):
            text = text[:start] + edit["newText"] + text[end:]
        return text

    def changed(self, edit: Json) -> dict[str, str]:
        """The texts that a workspace edit changes, afterwards; those that are not open are opened first."""
        texts = {}
        for change in edit["documentChanges"]:
            name = next(one.name for one in self.root.iterdir() if one.as_uri() == change["textDocument"]["uri"])
            self.texts.setdefault(name, (self.root / name).read_text("utf-8"))
            texts[name] = self.applied(name, change["edits"])
        return texts

    def leave(self) -> int:
        """End the server as an editor does; gives its exit status. Fails where it wrote to standard error."""
        self.request("shutdown", None)
        self.notify("exit", None)
        status, errors = self.ended()
        assert errors == "", errors
        return status

    def ended(self) -> tuple[int, str]:
        """The exit status, and what it wrote to standard error, once the server has ended."""
        status = self.process.wait(PATIENCE)
        assert self.process.stderr is not None and self.process.stdin is not None and self.process.stdout is not None
        errors = self.process.stderr.read().decode()
        for stream in (self.process.stderr, self.process.stdin, self.process.stdout):
            stream.close()
        return status, errors
