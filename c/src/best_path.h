/** The best path to a node, read back from the history of a search; what was read once is kept for the next time. */
#ifndef BEST_PATH_H
#define BEST_PATH_H

#include "record.h"
#include "spelling.h"
#include "viterbi.h"

/** A phone and the path before it; the first one is no phone. `prefix`: the phones so far and their words. */
typedef struct Path Path;
struct Path {
  Span span;
  int node, length;
  Path *before, *next; /* next: another one that ends in the same row */
  Prefix *prefix;
  bool beginning_known;
  const Spelling *beginning; /* the words that are over, once they were asked for */
};

/** Of one search. A path to a node in whose last row a phone ends never changes. */
typedef struct BestPaths {
  Arena *arena;
  const Viterbi *search;
  const Record *record;
  Prefixes prefixes;
  Path start;
  Path **known; /* [room]: by last row */
  int room;
} BestPaths;

void best_paths_begin(BestPaths *paths, Arena *arena, const Viterbi *search, const Record *record, const Speller *speller);

/** The search has forgotten rows. */
void best_paths_clear(BestPaths *paths);

/** The best path to a node before a row, NULL where there is none. */
Path *best_path_to(BestPaths *paths, int node, int row);

/** All phones of a path, [length]. */
Span *path_spans(Arena *arena, const Path *path);

#endif
