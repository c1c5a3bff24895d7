"""`python -m speech_lstm.serve.grammar_worker`: reads grammars of clients in a process that can be stopped.

A short text can make a huge grammar, and a thread cannot be stopped: the server kills this process when it takes too
long. Each request on stdin and each answer on stdout is a length, 4 bytes big-endian, and so many bytes: a UTF-8 text,
and a pickled `Grammar` or a str with what is wrong with it.
"""

from __future__ import annotations

import pickle
import sys
import tempfile
from pathlib import Path
from typing import IO

from speech_lstm.runtime.errors import GrammarError
from speech_lstm.runtime.grammar import Grammar

MEMORY = 1 << 30
"""Address space of this process, bytes."""

_YAML = ("language:", "intents:", "lists:", "expansion_rules:", "skip_words:", "---")


def main() -> None:
    """Answer until stdin ends."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # not on this system
        pass
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (text := read_block(source)) is not None:
        write_block(sink, pickle.dumps(read_grammar(text.decode())))


def read_grammar(text: str) -> Grammar | str:
    """The grammar of a text: YAML where a line begins as the format's files do, else a phrase a line."""
    name = "grammar.yaml" if any(line.startswith(_YAML) for line in text.splitlines()) else "grammar.txt"
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_text(text, encoding="utf-8")
            try:
                return Grammar.load(path)
            except GrammarError as error:
                return str(error).replace(f"{path}", "grammar")
    except (MemoryError, RecursionError):
        return "grammar: it is too large or too deeply nested"
    except OSError as error:
        return f"grammar: the server needs a temporary folder that can be written ({error.strerror or error})"


def read_block(source: IO[bytes]) -> bytes | None:
    """The next one, None at the end."""
    head = source.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "big")
    block = source.read(size)
    return block if len(block) == size else None


def write_block(sink: IO[bytes], block: bytes) -> None:
    """Write it at once."""
    sink.write(len(block).to_bytes(4, "big") + block)
    sink.flush()


if __name__ == "__main__":
    main()
