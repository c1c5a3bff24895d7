"""An FTP server on this machine: storage that is not local, for fsspec."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


class FtpServer:
    """Serves a folder to everyone, writable, while the `with` block runs."""

    def __init__(self, folder: Path) -> None:
        self._authorizer = DummyAuthorizer()
        self._authorizer.add_anonymous(str(folder), perm="elradfmw")

    def __enter__(self) -> FtpServer:
        handler = type("Handler", (FTPHandler,), {"authorizer": self._authorizer})
        self._server = FTPServer(("127.0.0.1", 0), handler)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self.url = f"ftp://127.0.0.1:{self._server.address[1]}"
        return self

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self._server.serve_forever(timeout=0.05, blocking=False, handle_exit=False)
        self._server.close_all()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
