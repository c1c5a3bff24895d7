"""Phrases from a Python list or a text file, one a line, to templates."""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..content import read_content
from ..errors import GrammarError
from .expression import shown
from .source import Block, Place, Source, Template

LONGEST_PATH = 1024
"""Characters of a path in a message; more are no path but a text that was given as one."""

_COMMENT = re.compile(r"(?:^|(?<=\s))#(?![\d{([]).*")
_INTENT = re.compile(r"([A-Za-z_]\w*):\s+(?=\S)")


def read_phrases(phrases: Iterable[str]) -> Source:
    """The templates of a list of phrases."""
    if isinstance(phrases, str):
        raise GrammarError(
            f"the phrases are one string, {shown(phrases)}: give a list of phrases, as in ['go', 'stop']"
        )
    if isinstance(phrases, bytes | Mapping) or not isinstance(phrases, Iterable):
        raise GrammarError(f"the grammar is {phrases!r}: give a list of phrases, or the path of a grammar file")
    return _source([(phrase, Place(f"phrase {number}")) for number, phrase in enumerate(phrases, 1)], "the grammar")


def read_text_file(path: Path) -> Source:
    """The templates of a UTF-8 text file; what follows # is a comment, except in "channel #5" and "C#"."""
    return _source(_lines(path), str(path), "text")


def phrases_in(path: Path) -> list[str]:
    """The phrases of such a file, of a pipe for instance, which can be read but once."""
    return [phrase for phrase, _ in _lines(path)]


def _lines(path: Path) -> list[tuple[str, Place]]:
    text = read(path)
    if "\0" in text:
        raise GrammarError(f"{path}: not a UTF-8 text file; save it as UTF-8 (there are zero bytes in it)")
    lines = enumerate(text.splitlines(), 1)
    phrases = [(_COMMENT.sub("", line).strip(), Place(str(path), number)) for number, line in lines]
    return [(phrase, place) for phrase, place in phrases if phrase]


def read(path: Path) -> str:
    """The text of a UTF-8 file, or of UTF-16 that says so, as Windows has it. Raises GrammarError that names it."""
    try:
        data = read_content(path)
        text = data.decode("utf-16" if data[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise GrammarError(f"{path}: not a UTF-8 text file; save it as UTF-8 ({error.reason})") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise GrammarError(f"{shown(str(path), LONGEST_PATH)[1:-1]}: cannot read the grammar: {reason}") from error


def _source(phrases: list[tuple[str, Place]], name: str, form: str = "phrases") -> Source:
    if not phrases:
        raise GrammarError(f"{name} has no phrases: give at least one")
    blocks: dict[str | None, Block] = {}
    templates = []
    for phrase, place in phrases:
        if not isinstance(phrase, str):
            raise GrammarError(f"{place}: {phrase!r} is not a string")
        prefix = _INTENT.match(phrase)
        intent = prefix[1] if prefix else None
        block = blocks.setdefault(intent, Block(intent=intent))
        templates.append(Template(phrase[prefix.end() :] if prefix else phrase, place, block))
    return Source(tuple(templates), form=form)
