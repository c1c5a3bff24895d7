"""Search of free word sequences: tokens in a prefix tree, each with the word before, under a word bigram.

The CTC topology is that of `viterbi`: a token is at the end of a phone, with blanks after it or without. It is a pair
of a node of the tree and the word before, so no two histories of the bigram are merged and the search is exact but for
its beam (Ney and Ortmanns 1999, "Dynamic programming search for continuous speech recognition"). The best
log-probability of a word below a node is counted from the node on, and exchanged for that of the bigram at the word's
end. Words that ended are records (word, node, row, record before), which paths are read back from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech_lstm.runtime.decoding.margins import FloatArray
from speech_lstm.runtime.free.bigrams import Bigrams
from speech_lstm.runtime.free.prefix_tree import PrefixTree

IntArray = NDArray[np.int64]

NEVER = np.float32(-np.inf)


@dataclass(frozen=True)
class FreeSearchOptions:
    """Scores are natural logarithms.

    `blank_offset`, `fold_threshold`: as in `DecoderOptions`. `language_weight`: of the bigram against the sound.
    `word_bonus`: of each word. `beam`: tokens at most this much below the best are kept, and at most `max_active`.
    """

    blank_offset: float = 2.0
    fold_threshold: float = 0.95
    language_weight: float = 0.7
    word_bonus: float = -1.0
    beam: float = 11.0
    max_active: int = 3000

    def __post_init__(self) -> None:
        """ValueError for options outside their range."""
        if not 0 < self.fold_threshold <= 1:
            raise ValueError(f"fold_threshold is {self.fold_threshold}; it is a probability")
        if not self.language_weight >= 0 or not self.beam > 0 or self.max_active < 1:
            raise ValueError(
                f"language_weight is {self.language_weight}, beam {self.beam} and max_active {self.max_active}; "
                "expected 0 or more, above 0 and at least 1"
            )


@dataclass(frozen=True)
class SpokenWord:
    """A word of a path: its number, the node of the tree where it ended, the row of its last phone."""

    word: int
    node: int
    row: int


@dataclass(frozen=True, eq=False)
class _Tokens:
    """`key`: int64 [n], ascending: history times nodes plus node. `phone`, `blank`: float32 [n], scores of the best
    path that ends in the phone and of the best with a blank after it. `phone_record`, `blank_record`: their last words.
    """

    key: IntArray
    phone: FloatArray
    blank: FloatArray
    phone_record: IntArray
    blank_record: IntArray


class FreeSearch:
    """A search in progress; `rows` counts frames. Its memory grows with them, until `clear`."""

    def __init__(self, tree: PrefixTree, bigrams: Bigrams, options: FreeSearchOptions) -> None:
        self._tree = tree
        self._bigrams = bigrams
        self._options = options
        self._ahead = tree.best * np.float32(options.language_weight)
        self._step_in = self._ahead - self._ahead[tree.parent]
        self._stay = np.where(np.arange(tree.num_nodes) < tree.num_tokens, tree.num_tokens, tree.label)
        self.clear()

    def clear(self, history: int = 0) -> None:
        """Begin after a word, by default a sentence."""
        zero, none = np.zeros(1, dtype=np.float32), np.full(1, -1, dtype=np.int64)
        key = np.full(1, history * self._tree.num_nodes, dtype=np.int64)
        self._tokens = _Tokens(key, zero, zero, none, none)
        self._records: list[tuple[IntArray, IntArray, int, IntArray]] = []
        self._first_records: list[int] = []
        self._num_records = 0
        self.rows = 0

    def step(self, row: FloatArray) -> None:
        """One frame: float32 [tokens], blank offset and maximum already taken off."""
        tree, old, options = self._tree, self._tokens, self._options
        scores = np.append(row, NEVER)
        history, node = np.divmod(old.key, tree.num_nodes)
        in_phone = old.phone >= old.blank
        best = np.where(in_phone, old.phone, old.blank)
        record = np.where(in_phone, old.phone_record, old.blank_record)

        stay = old.phone + scores.take(self._stay.take(node))
        blank = best + row[0]
        source, child = _spread(tree.first_child.take(node), tree.num_children.take(node))
        label = tree.label.take(child)
        repeats = label == tree.label.take(node).take(source)
        enter = np.where(repeats, old.blank.take(source), best.take(source))
        enter += row.take(label) + self._step_in.take(child)

        lowest = max(stay.max(), blank.max(), enter.max(initial=NEVER)) - np.float32(options.beam)
        either = np.maximum(stay, blank)
        kept, entered = np.flatnonzero(either >= lowest), np.flatnonzero(enter >= lowest)
        if len(kept) + len(entered) > options.max_active:
            alive = np.concatenate((either.take(kept), enter.take(entered)))
            lowest = np.partition(alive, -options.max_active)[-options.max_active]
            kept, entered = np.flatnonzero(either >= lowest), np.flatnonzero(enter >= lowest)
        source, child = source.take(entered), child.take(entered)
        enter = enter.take(entered)
        enter_record = np.where(repeats.take(entered), old.blank_record.take(source), record.take(source))

        nodes = np.concatenate((node.take(kept), child))
        histories = np.concatenate((history.take(kept), history.take(source)))
        phone = np.concatenate((stay.take(kept), enter))
        phone_record = np.concatenate((old.phone_record.take(kept), enter_record))
        end, root, ended_word, ended_record = self._end_words(nodes, histories, phone, phone_record, lowest)

        key = np.concatenate((histories * tree.num_nodes + nodes, ended_word * tree.num_nodes + root))
        self._tokens = _merged(
            key,
            np.concatenate((phone, end)),
            blank.take(kept),
            np.concatenate((phone_record, ended_record)),
            record.take(kept),
        )
        self.rows += 1

    def best(self, ends: bool = True, whole: bool = True) -> tuple[tuple[SpokenWord, ...], float]:
        """The words of the best path and its score. ends: whether the sentence is over. whole: of the paths that are
        not inside a word; else of all, without the word that is being said.

        Silence is a path without words; where every path is inside its first word, none is left, with a score of -inf.
        """
        tokens, tree = self._tokens, self._tree
        history, node = np.divmod(tokens.key, tree.num_nodes)
        score = np.maximum(tokens.phone, tokens.blank)
        if ends:
            end = self._bigrams.log_probs(history, np.zeros_like(history)) * np.float32(self._options.language_weight)
            score = score + np.where(history > 0, end, 0)
        if whole:
            score = np.where(node < tree.num_tokens, score, NEVER)
        at = int(score.argmax())
        if score[at] == NEVER:
            return (), float(NEVER)
        in_phone = tokens.phone[at] >= tokens.blank[at]
        record = int(tokens.phone_record[at] if in_phone else tokens.blank_record[at])
        return self._words(record), float(score[at])

    def _end_words(
        self, nodes: IntArray, histories: IntArray, phone: FloatArray, record: IntArray, lowest: np.float32
    ) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
        """Scores, roots, words and new records of the words that end in phones."""
        tree, weight = self._tree, np.float32(self._options.language_weight)
        count = tree.num_words.take(nodes)
        count[phone < lowest] = 0
        source, position = _spread(tree.first_word.take(nodes), count)
        word, node = tree.word.take(position), nodes.take(source)
        score = phone.take(source) + weight * self._bigrams.log_probs(histories.take(source), word)
        score += np.float32(self._options.word_bonus) - self._ahead.take(node)
        alive = np.flatnonzero(score >= lowest)
        score, word, node = score.take(alive), word.take(alive), node.take(alive)
        self._records.append((word, node, self.rows, record.take(source.take(alive))))
        self._first_records.append(self._num_records)
        new = self._num_records + np.arange(len(alive))
        self._num_records += len(alive)
        return score, tree.label.take(node), word, new

    def _words(self, record: int) -> tuple[SpokenWord, ...]:
        found = []
        while record >= 0:
            batch = int(np.searchsorted(self._first_records, record, side="right")) - 1
            word, node, row, before = self._records[batch]
            at = record - self._first_records[batch]
            found.append(SpokenWord(int(word[at]), int(node[at]), row))
            record = int(before[at])
        return tuple(found[::-1])


def _spread(first: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """Ranges one after another: which range each number comes from, and the number."""
    ends: IntArray = count.cumsum()
    source = np.arange(len(count)).repeat(count)
    begin = first - ends + count
    return source, np.arange(len(source)) + begin.take(source)


def _merged(
    key: IntArray, phone: FloatArray, blank: FloatArray, phone_record: IntArray, blank_record: IntArray
) -> _Tokens:
    """The best phone score of each key, and its blank score: the first keys have one, all of them different."""
    order = np.argsort(key, kind="stable")
    key = key.take(order)
    new = np.ones(len(key), dtype=np.bool_)
    new[1:] = key[1:] != key[:-1]
    starts = np.flatnonzero(new)
    phone = phone.take(order)
    best = np.maximum.reduceat(phone, starts)
    group = new.cumsum() - 1
    hit = np.flatnonzero(phone == best.take(group))
    chosen = np.empty(len(starts), dtype=np.int64)
    chosen[group.take(hit)] = hit
    first = np.minimum(order.take(starts), len(blank))  # beyond those that have a blank score: never
    return _Tokens(
        key.take(starts),
        best,
        np.append(blank, NEVER).take(first),
        phone_record.take(order.take(chosen)),
        np.append(blank_record, -1).take(first),
    )
