/** How much likelier a word is than the words of English that sound like it (runtime/decoding/other_words.py). */
#ifndef OTHER_WORDS_H
#define OTHER_WORDS_H

#include <stdatomic.h>

#include "record.h"
#include "spelling.h"

/** Leads are from the least one to the most. */
#define LEAST_LEAD (-20.0)
#define MOST_LEAD 8.0

/** Rows before the first word and after the last one in which another word may begin or end. */
enum { AROUND = 6 };

/** Ways to say the words of a language, those of the most frequent word first. */
typedef struct Vocabulary {
  const unsigned char *tokens; /* one way after another */
  const int *first;            /* [count + 1]: where each begins */
  int count, longest;
  _Atomic(int *) *nearest; /* [ways of the grammar]: what each is set against, NULL until a thread has asked; -1 after the last */
  int num_nearest;
} Vocabulary;

/** Reads ways as a compiled grammar has them: a character a token, "A" for token 1, spaces between ways. Returns whether they are that. */
bool vocabulary_read(Vocabulary *vocabulary, Arena *arena, const char *codes, int num_tokens);

/** Room for what the words of a grammar are set against. */
void vocabulary_serve(Vocabulary *vocabulary, Arena *arena, const Speller *speller);

void vocabulary_free(Vocabulary *vocabulary);

/** Rows of a record, from `begin` to `end` - 1; `before`, `after`: the tokens that they begin and end with, 0 for none. */
typedef struct Place {
  const Record *record;
  int begin, end, before, after;
} Place;

/** By how many nats the best way to say a word beats the best other word in its place. phones: tokens it was heard with. */
double other_words_lead(const Vocabulary *vocabulary, const Speller *speller, Arena *arena, int word, const int *phones, int count, Place place);

#endif
