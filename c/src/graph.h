/** The graphs of a grammar: the one that is searched, and from words to meanings. */
#ifndef GRAPH_H
#define GRAPH_H

#include <stdbool.h>

/**
 * Arcs of one phone each, in order of target, label, source; node 0 is the start. `first`: [nodes + 1], the first arc into a
 * node. `repeats`: [arcs], where the phone before is the same, so that a blank must come between. `leaves`: [nodes], whether
 * a phone may follow. `finals`: where a sentence ends.
 */
typedef struct Graph {
  int nodes, arcs, tokens;
  const int *source, *label, *first;
  const bool *repeats, *leaves;
  const int *finals;
  int num_finals;
} Graph;

/** What an arc says beside words: an intent, or that the words of a slot begin, or end and have a value (JSON). */
typedef struct Meaning {
  const char *intent, *slot, *value; /* value is NULL where the slot begins */
} Meaning;

/** From words to meanings. `order`: arcs by their source; `first`: [nodes + 1], where those of a node begin in it. */
typedef struct Sentences {
  int nodes, start;
  const bool *finals;
  const int *order, *first;
  const int *word, *meaning, *target; /* of arcs; -1 for none */
  const Meaning *meanings;
} Sentences;

#endif
