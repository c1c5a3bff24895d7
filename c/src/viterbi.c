#include "viterbi.h"

#include <math.h>
#include <string.h>

void viterbi_begin(Viterbi *search, Arena *arena, const Graph *graph) {
  *search = (Viterbi){.arena = arena, .graph = graph, .room = 64};
  search->node = TAKE(arena, graph->nodes, float);
  search->blank = TAKE(arena, graph->nodes, float);
  search->phone = TAKE(arena, graph->arcs, float);
  search->history = take(arena, (size_t)search->room * (size_t)graph->nodes, sizeof(float));
  viterbi_clear(search);
}

static void remember(Viterbi *search) {
  size_t nodes = (size_t)search->graph->nodes, at = (size_t)search->rows * nodes;
  memcpy(search->history + at, search->node, nodes * sizeof(float));
}

void viterbi_clear(Viterbi *search) {
  for (int node = 0; node < search->graph->nodes; node++) search->node[node] = search->blank[node] = -INFINITY;
  for (int arc = 0; arc < search->graph->arcs; arc++) search->phone[arc] = -INFINITY;
  search->node[0] = search->blank[0] = 0;
  search->rows = 0;
  remember(search);
}

Best viterbi_step(Viterbi *search, const float *row, double outside) {
  const Graph *graph = search->graph;
  float *node = search->node, *blank = search->blank, *phone = search->phone;
  for (int arc = 0; arc < graph->arcs; arc++) {
    int source = graph->source[arc];
    float before = graph->repeats[arc] ? blank[source] : node[source];
    phone[arc] = (phone[arc] > before ? phone[arc] : before) + row[graph->label[arc]];
  }
  node[0] = blank[0] = node[0] + (float)outside;
  Best best = {.score = node[0], .node = 0, .final_score = -INFINITY, .final_node = graph->finals[0]};
  for (int n = 1; n < graph->nodes; n++) {
    float highest = blank[n] = node[n] + row[0];
    for (int arc = graph->first[n]; arc < graph->first[n + 1]; arc++)
      if (phone[arc] > highest) highest = phone[arc];
    node[n] = highest;
    if (highest > best.score) best.score = highest, best.node = n;
  }
  for (int i = 0; i < graph->num_finals; i++)
    if (node[graph->finals[i]] > best.final_score) best.final_score = node[graph->finals[i]], best.final_node = graph->finals[i];
  if (++search->rows == search->room) {
    size_t rows = (size_t)search->room, nodes = (size_t)graph->nodes;
    search->history = take_longer(search->arena, search->history, rows * nodes, 2 * rows * nodes, sizeof(float));
    search->room *= 2;
  }
  remember(search);
  return best;
}
