/** What a sentence of a grammar means, found by walking its word graph (runtime/grammar/interpretation.py). */
#ifndef MEANING_H
#define MEANING_H

#include "graph.h"
#include "memory.h"

/** A slot's value (JSON) and the words it was said with, by index; `last_word` included. */
typedef struct SlotSpan {
  const char *name, *value;
  int first_word, last_word;
} SlotSpan;

/** `intent` is NULL where the grammar names none. */
typedef struct Interpretation {
  const char *intent;
  const SlotSpan *slots;
  int num_slots;
} Interpretation;

/** Fails for words that are no sentence. */
Interpretation meaning_of(const Sentences *sentences, Arena *arena, const int *words, int count);

#endif
