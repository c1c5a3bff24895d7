/** Exact Viterbi search of a phone graph over CTC scores, frame by frame (runtime/decoding/viterbi.py). */
#ifndef VITERBI_H
#define VITERBI_H

#include "graph.h"
#include "memory.h"

/** The best path of all and the best one at the end of a sentence, after a frame. */
typedef struct Best {
  float score, final_score;
  int node, final_node;
} Best;

/** `history`: [rows + 1][nodes], scores of nodes before the first row, after it, and so on. */
typedef struct Viterbi {
  Arena *arena;
  const Graph *graph;
  float *node, *blank, *phone;
  float *history;
  int rows, room;
} Viterbi;

void viterbi_begin(Viterbi *search, Arena *arena, const Graph *graph);

/** Begin again, at the start node. */
void viterbi_clear(Viterbi *search);

/** One row of scores, [tokens]. `outside`: of a frame before the command. */
Best viterbi_step(Viterbi *search, const float *row, double outside);

static inline float viterbi_at(const Viterbi *search, int row, int node) {
  return search->history[(size_t)row * (size_t)search->graph->nodes + (size_t)node];
}

#endif
