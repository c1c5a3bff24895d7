/** From phones back to words: which word sequences of a grammar are said like this? (runtime/decoding/spelling.py) */
#ifndef SPELLING_H
#define SPELLING_H

#include "fields.h"

/** Of one phone sequence; more are homophones of homophones. */
enum { MAX_SPELLINGS = 16 };

/** Words, the last one first, each with its first phone and the one after its last; NULL for none. */
typedef struct Spelling Spelling;
struct Spelling {
  const Spelling *before;
  int word, begin, end, count; /* count: of words */
};

/** A way to say a word. */
typedef struct Way {
  Tokens phones;
  int word, number;
} Way;

/** A word that leads from a node to a node; `number`: in the order of the file. */
typedef struct SpellingArc {
  int source, word, target, number;
} SpellingArc;

/** The words of a grammar and how they are said. `any_order`: all words lead from node 0 to itself. */
typedef struct Speller {
  bool any_order;
  int nodes, start;
  const bool *finals;
  const int *first;         /* [nodes + 1], in arcs */
  const SpellingArc *arcs;  /* by source, word, number */
  const Way *ways;          /* by phones, number */
  int num_ways, longest;
} Speller;

/** Spellings that end at a node. */
typedef struct End End;
struct End {
  End *next;
  int node, count;
  const Spelling *spellings[MAX_SPELLINGS];
};

/** Distinct word sequences, each set kept once, so that equal ones are the same. */
typedef struct WordsSet WordsSet;
struct WordsSet {
  const WordsSet *next;
  int count;
  const Spelling *spellings[MAX_SPELLINGS];
};

/** The first phones of a sentence. `ends`: where a word may end after them; `shorter`: the longest shorter one that has any. */
typedef struct Prefix Prefix;
struct Prefix {
  const int *phones;
  int count;
  End *ends;
  const Prefix *shorter;
  Prefix *longer, *next; /* those longer by a phone, a list */
  bool words_known;
  const WordsSet *words;
};

/** The prefixes of one search, each found once. */
typedef struct Prefixes {
  Arena *arena;
  const Speller *speller;
  Prefix start;
  const WordsSet *sets;
} Prefixes;

/** Sorts the ways and arcs of a speller. */
Speller speller_of(Arena *arena, const Ways *said, int words, SpellingArc *arcs, int num_arcs, int nodes, int start, const bool *finals);

/** The same words from their last phone to their first, in any order. */
Speller speller_backwards(Arena *arena, const Ways *said, int words);

void prefixes_start(Prefixes *prefixes, Arena *arena, const Speller *speller);

/** The phones of a prefix and one more. */
Prefix *prefixes_longer(Prefixes *prefixes, Prefix *prefix, int phone);

/** The words of a prefix, if a word is over and none can be begun; else NULL. */
const WordsSet *prefixes_words_so_far(Prefixes *prefixes, Prefix *prefix);

/** The distinct sentences that the phones say; returns how many. */
int speller_sentences(const Speller *speller, const Prefix *prefix, const Spelling *found[MAX_SPELLINGS]);

/** The same for one that may break off anywhere: the words that are over, as many as possible; NULL for none. */
const Spelling *speller_beginning(const Speller *speller, const Prefix *prefix);

/** Whether words, in their order, are a sentence. */
bool speller_accepts(const Speller *speller, Arena *arena, const int *words, int count);

/** Words in their order, [count]. */
int *spelling_words(Arena *arena, const Spelling *spelling);

#endif
