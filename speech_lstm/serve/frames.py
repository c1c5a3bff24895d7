"""Events of the Wyoming protocol read from strangers: bounded, checked, and with a reason for what is refused.

An event is a line of JSON (`type`, maybe `data`, `data_length`, `payload_length`), then more data as JSON, then a
payload.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from speech_lstm.serve.limits import Limits, Refused

LINE_BYTES = 64 << 10
"""Longest first line, the limit of the stream reader."""
DATA_BYTES = 256 << 10


async def read_frame(reader: asyncio.StreamReader, limits: Limits) -> Event | None:
    """The next event; None at the end of the connection. Raises Refused for anything else."""
    try:
        line = await reader.readline()
        if not line:
            return None
        head = _object(line, "the first line of an event")
        kind, data = head.get("type"), head.get("data")
        if not isinstance(kind, str) or len(kind) > 100:
            raise Refused('an event needs a "type", a text')
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise Refused('the "data" of an event must be an object')
        if length := _length(head, "data_length", DATA_BYTES):
            data = {**data, **_object(await reader.readexactly(length), "the data of an event")}
        length = _length(head, "payload_length", limits.message_bytes)
        return Event(kind, data, await reader.readexactly(length) if length else None)
    except ValueError:  # of readline
        raise Refused(f"the first line of an event has over {LINE_BYTES} bytes", "too-large") from None
    except asyncio.IncompleteReadError:
        return None


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{what} is not valid JSON") from None
    if not isinstance(value, dict):
        raise Refused(f"{what} is no JSON object")
    return value


def _length(head: dict[str, Any], name: str, most: int) -> int:
    length = head.get(name)
    if length is None:
        return 0
    if isinstance(length, bool) or not isinstance(length, int) or length < 0:
        raise Refused(f"{name} is not a number of bytes")
    if length > most:
        raise Refused(f"{name} is {length}, at most {most} bytes are taken", "too-large")
    return length
