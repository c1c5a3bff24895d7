"""Who may come in: hosts, origins and the token, checked before anything else sees a request."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

SUBPROTOCOL = "speech-lstm"
TOKEN_PREFIX = "token."
"""Of the subprotocol in which a browser gives its token, as it cannot set headers on a WebSocket."""

POLICY_VIOLATION = 1008  # RFC 6455
LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
OPEN_PATHS = frozenset(("/", "/healthz", "/openapi.json", "/asyncapi.json"))
"""Without a token, like the page's files: nothing in them is secret."""

_HEADERS = {
    "content-security-policy": "default-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


@dataclass(frozen=True)
class Access:
    """`token`: that clients must give, None: none. `origins`: other sites whose pages may connect, "*" for all."""

    token: str | None = None
    origins: frozenset[str] = frozenset()


class Gate:
    """ASGI middleware. Without a token only names of this machine are taken as hosts, against DNS rebinding."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it pass, or answer with the reason why not: status 401 or 403, WebSocket close code 1008."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        reason, status = self._refusal(scope)
        if not reason:
            await self._app(scope, receive, send if scope["type"] == "websocket" else _with_headers(send))
        elif scope["type"] == "websocket":
            websocket = WebSocket(scope, receive, send)
            await websocket.accept()
            await websocket.close(POLICY_VIOLATION, reason)
        else:
            response = JSONResponse({"error": reason, "code": "forbidden"}, status)
            if status == 401:
                response.headers["www-authenticate"] = "Bearer"
            await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[str, int]:
        """Why a request is refused and the HTTP status of that; "" where it is not."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        if self._access.token is None and name not in LOOPBACK:
            return f"the host {host[:100]!r} is not this machine; a server for others needs a token", 403
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        allowed = self._access.origins
        if origin is not None and origin != f"{scheme}://{host}" and origin not in allowed and "*" not in allowed:
            return f"pages of {origin[:100]} may not connect; allow them with --origin", 403
        if (
            self._access.token is not None
            and scope["path"] not in OPEN_PATHS
            and not scope["path"].startswith("/page/")
        ):
            given = _token(scope, headers)
            if not hmac.compare_digest(given.encode(), self._access.token.encode()):
                return "a token is needed, and it is missing or wrong" if not given else "the token is wrong", 401
        return "", 200


def _token(scope: Scope, headers: Headers) -> str:
    """What the client gives as its token, or ""."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    offered = [name for name in scope.get("subprotocols", ()) if name.startswith(TOKEN_PREFIX)]
    return offered[0].removeprefix(TOKEN_PREFIX) if offered else ""


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sender
