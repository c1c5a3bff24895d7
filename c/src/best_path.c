#include "best_path.h"

#include <math.h>
#include <string.h>

void best_paths_begin(BestPaths *paths, Arena *arena, const Viterbi *search, const Record *record, const Speller *speller) {
  *paths = (BestPaths){.arena = arena, .search = search, .record = record};
  prefixes_start(&paths->prefixes, arena, speller);
  paths->start.prefix = &paths->prefixes.start;
}

void best_paths_clear(BestPaths *paths) {
  if (paths->room) memset(paths->known, 0, (size_t)paths->room * sizeof *paths->known);
}

/** The last row before `row` in which a phone ends on the best path to a node, or -1: elsewhere it is in blank. */
static int last_end(const BestPaths *paths, int node, int row) {
  for (int at = row - 1; at >= 0; at--) {
    float in_blank = viterbi_at(paths->search, at, node) + record_row(paths->record, at)[0];
    if (viterbi_at(paths->search, at + 1, node) > in_blank) return at;
  }
  return -1;
}

/** The phone that ends in row `last` at a node, the node before it, and whether it repeats the phone before. */
static Span phone_before(const BestPaths *paths, int node, int last, int *source, bool *repeats) {
  const Graph *graph = paths->search->graph;
  const Record *record = paths->record;
  int arc = graph->first[node], end = graph->first[node + 1], begin = 0;
  bool is_plain = end - arc == 1 && !graph->repeats[arc];
  double best = -HUGE_VAL;
  for (int row = 0; row <= last; row++)
    for (int a = graph->first[node]; a < end; a++) {
      int before = graph->source[a], label = graph->label[a];
      double entry;
      if (before == 0) entry = record_sum(record, row, record->tokens);
      else if (!graph->repeats[a]) entry = (double)viterbi_at(paths->search, row, before);
      else if (row == 0) continue;
      else entry = (double)viterbi_at(paths->search, row - 1, before) + (double)record_row(record, row - 1)[0];
      entry -= record_sum(record, row, label);
      if (!is_plain) entry += record_sum(record, last + 1, label); /* to compare labels */
      if (entry > best) best = entry, begin = row, arc = a;
    }
  *source = graph->source[arc];
  *repeats = graph->repeats[arc];
  return (Span){.token = graph->label[arc], .begin = begin, .end = last + 1};
}

static Path *known(const BestPaths *paths, int node, int last) {
  Path *path = last < paths->room ? paths->known[last] : NULL;
  while (path && path->node != node) path = path->next;
  return path;
}

static void keep(BestPaths *paths, Path *path) {
  int last = path->span.end - 1;
  if (last >= paths->room) {
    int room = last + 64;
    paths->known = take_longer(paths->arena, paths->known, (size_t)paths->room, (size_t)room, sizeof *paths->known);
    paths->room = room;
  }
  path->next = paths->known[last];
  paths->known[last] = path;
}

Path *best_path_to(BestPaths *paths, int node, int row) {
  Path *path = NULL, *new = NULL; /* new: linked by `before`, the first phone first */
  while (!path && node) {
    int last = last_end(paths, node, row);
    if (last < 0) return NULL;
    path = known(paths, node, last);
    if (path) break;
    Path *found = TAKE(paths->arena, 1, Path);
    bool repeats = false;
    found->node = node;
    found->span = phone_before(paths, node, last, &node, &repeats);
    found->before = new;
    new = found;
    row = found->span.begin - repeats;
  }
  if (!path) path = &paths->start;
  while (new) {
    Path *next = new->before;
    new->before = path;
    new->length = path->length + 1;
    new->prefix = prefixes_longer(&paths->prefixes, path->prefix, new->span.token);
    keep(paths, new);
    path = new;
    new = next;
  }
  return path;
}

Span *path_spans(Arena *arena, const Path *path) {
  Span *spans = TAKE(arena, path->length, Span);
  for (; path->length; path = path->before) spans[path->length - 1] = path->span;
  return spans;
}
