/** What a search finds: sentences, and their words with frames and scores, put together when they are asked for. */
#ifndef HYPOTHESIS_H
#define HYPOTHESIS_H

#include "other_words.h"

/** A word with its first and last frame, the sum of its frames' scores, how much better it explains them than free speech. */
typedef struct HypothesisWord {
  int word, first_frame, last_frame, phones;
  double score, evidence;
} HypothesisWord;

/** A word sequence before its frames are known. `phones`: its tokens; `score`: of its path, <= 0. */
typedef struct Sentence Sentence;
struct Sentence {
  Record *record;
  const Vocabulary *vocabulary;
  const Speller *speller;
  const int *phones;
  int num_phones;
  const Spelling *spelling;
  const int *words;
  int num_words;
  double score;
  const Span *spans;             /* NULL until they are looked for */
  const void *search, *suffix;   /* where to look, see nbest.h */
  HypothesisWord *found;         /* NULL until it is asked for */
  double command_score;
  int frames;                    /* from the first word's first to the last word's last */
  double *leads;                 /* NULL until they are asked for */
};

/** The words with times and scores; to be asked for before the search goes on. */
const HypothesisWord *sentence_words(Arena *arena, Sentence *sentence);

/** By how many nats each word is likelier than any other word in its place; to be asked for before the search goes on. */
const double *sentence_leads(Arena *arena, Sentence *sentence);

#endif
