/** The n best sentences of a search, looked for one by one (runtime/decoding/nbest.py, where the method is told). */
#ifndef NBEST_H
#define NBEST_H

#include "decoder.h"

typedef struct Suffix Suffix;
typedef struct Said Said;

typedef struct Queued {
  double cost;
  int number;
  Suffix *suffix;
} Queued;

/** Arrays are over rows, the last one first, [rows + 1]. */
typedef struct SentenceSearch {
  Arena *arena;
  const Decoding *state;
  int rows, expansions;
  const double *blank, *outside; /* sums of blank, and of silence or other speech */
  const double **over_blank;     /* [tokens]: sums less those of blank, NULL until needed */
  double *scratch;
  Queued *queue;
  int queued, room, pushed;
  Prefixes *prefixes, postfixes;
  double lowest;
  Said **said; /* a hash table: by node, label and words, the best B of them */
  Sentence **found; /* all sentences so far */
  int num_found, found_room;
  Sentence waiting; /* the phones of these are said in `spellings`, of which `next_spelling` comes next */
  const Spelling *spellings[MAX_SPELLINGS];
  int num_spellings, next_spelling;
} SentenceSearch;

/** Begins a search among the sentences of a decoding, which must not go on meanwhile. */
void nbest_begin(SentenceSearch *search, Arena *arena, Decoding *state);

/** The next best sentence, another one than all before it; NULL when there are no more. */
Sentence *nbest_next(SentenceSearch *search);

/** The best times of the phones of a sentence that was found. */
const Span *nbest_align(Arena *arena, const void *search, const void *suffix);

#endif
