"""The method that the joint n-gram is compared with: a decision tree over the letters around each letter.

The tree asks for the letter, its right neighbour, its left one, the second to the right and so on, and answers with
what the letter stood for most often in the widest context seen in training (IGTree: Daelemans, van den Bosch and
Weijters 1997). It knows nothing of the phones it has said before.
"""

from collections import Counter
from collections.abc import Sequence

REACH = 5
"""Letters on either side that the tree may ask for."""
_EDGE = "_"


class ContextTree:
    """Fit on words as sequences of (letter, phone code) units; `guess` gives the phone code of a spelling."""

    def __init__(self, words: Sequence[tuple[tuple[str, str], ...]]) -> None:
        self._answers: list[dict[str, str]] = []
        for width in range(1, 2 * REACH + 2):
            counts: Counter[tuple[str, str]] = Counter()
            for word in words:
                contexts = _contexts("".join(letter for letter, _ in word), width)
                counts.update(zip(contexts, (code for _, code in word), strict=True))
            self._answers.append({context: code for (context, code), _ in sorted(counts.items(), key=lambda kv: kv[1])})

    def guess(self, letters: str) -> str:
        """The phone code, letter by letter; a letter never seen says nothing."""
        by_width = [_contexts(letters, width) for width in range(1, len(self._answers) + 1)]
        code = ""
        for position in range(len(letters)):
            answer = ""
            for contexts, answers in zip(by_width, self._answers, strict=True):
                if contexts[position] not in answers:
                    break
                answer = answers[contexts[position]]
            code += answer
        return code


def _contexts(letters: str, width: int) -> list[str]:
    """For each letter, the `width` letters nearest to it, the right neighbour before the left one."""
    padded = _EDGE * REACH + letters + _EDGE * REACH
    left, right = (width - 1) // 2, width // 2
    return [padded[at - left : at + right + 1] for at in range(REACH, REACH + len(letters))]
