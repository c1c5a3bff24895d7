"""Files named by paths or URLs (s3://, gs://, ftp://, ...), through fsspec, and copies of them to be heard."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

Returned = TypeVar("Returned")

FETCHERS = 8
"""Downloads at once, and files that are fetched before the one that is asked for."""

ATTEMPTS = 3
WAIT_SECONDS = 0.5
"""Before the second attempt; twice as long before the next."""

FINAL_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
"""Errors that the next attempt would meet again."""


@dataclass(frozen=True)
class Place:
    """Where something is: the filesystem of fsspec, the path in it, and what makes the path a name again.

    `is_local`: on this machine, or on a disk that all machines mount.
    """

    filesystem: Any
    path: str
    prefix: str
    is_local: bool = False

    def name(self, path: str) -> str:
        """The full name of another path in the same filesystem."""
        return self.prefix + path


def locate(name: str) -> Place:
    """A name's filesystem. Raises what fsspec does for a protocol that it does not know, or that needs a package.

    fsspec keeps a filesystem for each thread, so that connections are not shared between threads.
    """
    import fsspec

    filesystem, path = fsspec.url_to_fs(name)
    if isinstance(filesystem, fsspec.get_filesystem_class("file")):
        return Place(filesystem, os.path.abspath(path), "", True)  # noqa: PTH100 (Path would join "a/../b" otherwise)
    return Place(filesystem, path, name.rstrip("/").removesuffix(path))


def persistently(action: Callable[[], Returned]) -> Returned:
    """The action's value; when it fails it is tried again, unless it would fail again."""
    for attempt in range(ATTEMPTS):
        try:
            return action()
        except FINAL_ERRORS:
            raise
        except Exception:  # each storage library has errors of its own
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(WAIT_SECONDS * 2**attempt)
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Fetched:
    """A file that can be read here: `path`, and `error` where there is none. `copied`: to be deleted after use."""

    name: str
    path: Path
    copied: bool = False
    error: str | None = None


def fetch_all(names: Iterable[str], folder: Path) -> Iterator[Fetched]:
    """Each name in order, a few fetched ahead. What is not local is copied into a folder."""
    with ThreadPoolExecutor(FETCHERS) as pool:
        ahead: deque[Future[Fetched]] = deque()
        try:
            for number, name in enumerate(names):
                ahead.append(pool.submit(_fetch, name, folder / f"{number}{_suffix(name)}"))
                if len(ahead) > FETCHERS:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch(name: str, copy: Path) -> Fetched:
    """An error of any library is one about this file."""
    if "://" not in name:
        return Fetched(name, Path(name))
    try:
        place = locate(name)
        if place.is_local:
            return Fetched(name, Path(place.path))
        persistently(lambda: place.filesystem.get_file(place.path, str(copy)))
    except FileNotFoundError:
        return Fetched(name, copy, error=f"{name}: no such file")
    except Exception as error:
        copy.unlink(missing_ok=True)
        return Fetched(name, copy, error=f"{name}: cannot be fetched ({error or type(error).__name__})")
    return Fetched(name, copy, copied=True)


def _suffix(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) < 10 else ""
