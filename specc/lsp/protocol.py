"""What comes from the client: requests and notifications, or what is refused with an error of the protocol."""

import contextvars
import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from cattrs import Converter
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.protocol import LanguageServerProtocol, default_converter

from specc.errors import clean

# Numbers of errors: JSON-RPC 2.0, section 5.1; LSP 3.17, `ErrorCodes`.
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
NOT_INITIALIZED = -32002
KEPT_BY_SESSION = (lsp.TEXT_DOCUMENT_DID_OPEN, lsp.TEXT_DOCUMENT_DID_CHANGE, lsp.TEXT_DOCUMENT_DID_CLOSE)


def strict_converter() -> Converter:
    """Reads parameters as the protocol has them: nothing else is taken for a number, a text or a truth value."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]
    for kind in (int, str, bool):
        converter.register_structure_hook(kind, partial(_only, kind))
    return converter


def _only(kind: type, value: Any, wanted: type) -> Any:
    """A value that has to be of a kind. wanted: the kind itself, or an enumeration of its values."""
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number
    if type(value) is not kind:
        raise ValueError(f"expected {kind.__name__}")
    return value if wanted is kind else wanted(value)


class Protocol(LanguageServerProtocol):
    """The session keeps the open texts, so pygls does not. status: of the process, once the client says `exit`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.status: int | None = None
        for method in KEPT_BY_SESSION:
            del self.fm.builtin_features[method]

    def receive(self, body: bytes) -> None:
        """Take a message. A request that is wrong is answered with an error, whatever else comes is left out."""
        try:
            message = json.loads(body.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return self.refuse(None, PARSE_ERROR, "this message is not JSON in UTF-8")
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            return self.refuse(_id_of(message), INVALID_REQUEST, "this is no message of JSON-RPC 2.0")
        if "method" not in message and ("result" in message or "error" in message):
            return None  # an answer; nothing that the server asks of the client waits for one
        if not isinstance(message.get("method"), str) or ("id" in message and _id_of(message) is None):
            return self.refuse(_id_of(message), INVALID_REQUEST, "this is no request and no notification")
        contextvars.copy_context().run(self._request if "id" in message else self._notification, message)
        return None

    def refuse(self, number: int | str | None, code: int, why: str) -> None:
        """Answer a request with an error. number: None, which lsprotocol would leave out, where none is known."""
        self._send_data({"jsonrpc": self.VERSION, "id": number, "error": {"code": code, "message": why}})

    # ---- the two kinds of messages

    def _request(self, message: dict[str, Any]) -> None:
        number, method = message["id"], message["method"]
        if self._shutdown:
            return self.refuse(number, INVALID_REQUEST, "the server has been shut down")
        if (self._workspace is None) != (method == lsp.INITIALIZE):
            if self._workspace is None:
                return self.refuse(number, NOT_INITIALIZED, "the first request has to be `initialize`")
            return self.refuse(number, INVALID_REQUEST, "`initialize` is asked for only once")
        if not self._is_known(method):
            return self.refuse(number, METHOD_NOT_FOUND, f"there is no method `{_shown(method)}`")
        read = self._read(message)
        if read is None:
            return self.refuse(number, INVALID_PARAMS, f"these are no parameters of `{method}`")
        self._handle_request(number, method, read.params)
        return None

    def _notification(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if method == lsp.EXIT:
            self.status = 0 if self._shutdown else 1
        elif (
            not self._shutdown
            and self._workspace is not None
            and (self._is_known(method) or method == lsp.CANCEL_REQUEST)
        ):
            read = self._read(message)
            if read is None:
                self.say(f"the editor sent `{method}` with parameters that the protocol does not have")
            else:
                self._handle_notification(method, read.params)

    def _is_known(self, method: str) -> bool:
        try:
            self._get_handler(method)
        except JsonRpcMethodNotFound:
            return False
        return True

    def _read(self, message: dict[str, Any]) -> Any:
        """A message as the protocol's class of its method; None where it does not fit."""
        kind: Any = self.get_message_type(message["method"])
        try:
            return self._converter.structure(message, kind)
        except Exception:  # noqa: BLE001 - whatever a client sends, and whatever cattrs raises on it
            return None

    # ---- answers

    def _execute_handler(
        self, msg_id: Any, handler: Any, callback: Callable[[Any], None], args: Any = None, kwargs: Any = None
    ) -> None:
        """pygls 2.1 keeps the future of every notification for ever, so that memory would grow with every edit."""

        def done(future: Any) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        error = None if future.cancelled() else future.exception()
        if error is None or isinstance(error, JsonRpcException):
            super()._send_handler_result(future, msg_id=msg_id)
        else:
            self.refuse(msg_id, INTERNAL_ERROR, defect(error))

    def _check_handler_result(self, future: Any) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            self.say(defect(error))

    def say(self, text: str) -> None:
        """Have the client show a text: what went wrong where no request can be answered."""
        self.notify(lsp.WINDOW_SHOW_MESSAGE, lsp.ShowMessageParams(lsp.MessageType.Error, text))


def defect(error: BaseException) -> str:
    """What is said of an error in specc itself; it is written to standard error as well, which editors keep."""
    text = f"internal error in specc (this is a bug): {type(error).__name__}: {clean(str(error))}"
    print(text, file=sys.stderr, flush=True)
    if os.environ.get("SPECC_TRACEBACK"):
        traceback.print_exception(error)
    return text


def _id_of(message: Any) -> int | str | None:
    """The number of a request; None where it has none that can be answered."""
    number = message.get("id") if isinstance(message, dict) else None
    return number if isinstance(number, int | str) and not isinstance(number, bool) else None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _shown(method: str) -> str:
    return clean(method if len(method) <= 100 else f"{method[:100]}…")
