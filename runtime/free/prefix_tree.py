"""A prefix tree of the pronunciations of a vocabulary, as arrays for the search of free transcription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """Nodes 0 to `num_tokens` - 1 are copies of the root: the first begins a sentence, the one with the number of a
    phone follows a word that ends in it. Every other node is a phone after those of its parent; children have
    successive numbers.

    `label`: [nodes], token of the phone. `parent`: [nodes]. `first_child`, `num_children`: [nodes]. `first_word`,
    `num_words`: [nodes], where the words that end in a node are in `word`. `best`: float32 [nodes], the highest
    log-probability of a word at or below a node, 0 for the roots.
    """

    num_tokens: int
    label: IntArray
    parent: IntArray
    first_child: IntArray
    num_children: IntArray
    first_word: IntArray
    num_words: IntArray
    word: IntArray
    best: FloatArray

    @property
    def num_nodes(self) -> int:
        """With the copies of the root."""
        return len(self.label)

    def labels(self, node: int) -> list[int]:
        """The phones from the root to a node."""
        found = []
        while node >= self.num_tokens:
            found.append(int(self.label[node]))
            node = int(self.parent[node])
        return found[::-1]


def build_tree(
    pronunciations: Sequence[tuple[int, Sequence[int]]], log_probs: FloatArray, num_tokens: int
) -> PrefixTree:
    """A tree of (word number, tokens of its phones) pairs; a word may have several, which may be those of other words.

    `log_probs`: float32 [words], of the words by number. `num_tokens`: of the model, blank included.
    """
    pairs = sorted((tuple(phones), word) for word, phones in pronunciations)
    longest = max(len(phones) for phones, _ in pairs)
    phones = np.zeros((len(pairs), longest), dtype=np.int64)  # 0 after the end
    for row, (tokens, _) in zip(phones, pairs, strict=True):
        row[: len(tokens)] = tokens
    words = np.array([word for _, word in pairs], dtype=np.int64)
    best_word = log_probs[words].astype(np.float32)

    roots = np.arange(num_tokens)
    labels, parents, bests = [roots], [np.zeros_like(roots)], [np.zeros(num_tokens, dtype=np.float32)]
    at = np.zeros(len(pairs), dtype=np.int64)  # node of each pronunciation as far as it was followed
    num_nodes = num_tokens
    rows = np.arange(len(pairs))
    for depth in range(longest):
        rows = rows[phones[rows, depth] > 0]
        below, label = at[rows], phones[rows, depth]
        new = np.ones(len(rows), dtype=np.bool_)
        new[1:] = (below[1:] != below[:-1]) | (label[1:] != label[:-1])
        starts = np.flatnonzero(new)
        at[rows] = num_nodes + new.cumsum() - 1
        labels.append(label[starts])
        parents.append(below[starts])
        bests.append(np.maximum.reduceat(best_word[rows], starts))
        num_nodes += len(starts)

    parent = np.concatenate(parents)
    children = parent[num_tokens:]
    num_children = np.bincount(children, minlength=num_nodes)
    first_child = num_tokens + np.searchsorted(children, np.arange(num_nodes))
    num_children[roots], first_child[roots] = num_children[0], first_child[0]
    order = np.argsort(at, kind="stable")
    return PrefixTree(
        num_tokens=num_tokens,
        label=np.concatenate(labels),
        parent=parent,
        first_child=first_child,
        num_children=num_children,
        first_word=np.searchsorted(at[order], np.arange(num_nodes)),
        num_words=np.bincount(at, minlength=num_nodes),
        word=words[order],
        best=np.concatenate(bests),
    )
