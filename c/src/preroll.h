/** The last frames of a stream while nobody is listened to: a command begins before it is clear that somebody speaks. */
#ifndef PREROLL_H
#define PREROLL_H

#include <stdint.h>

#include "memory.h"

/** At most `most` frames, the oldest first. */
typedef struct Preroll {
  float *frames; /* [count * tokens] */
  bool *phones;  /* [count]: whether a phone was heard */
  size_t tokens;
  int most, count;
} Preroll;

void preroll_begin(Preroll *recent, Arena *arena, int most, size_t tokens);

/** One more, [tokens]; the oldest goes when there are too many. */
void preroll_append(Preroll *recent, const float *frame, bool phone);

/** Drops all but the newest ones. */
void preroll_keep(Preroll *recent, int64_t newest);

/** In how many of the newest frames a phone was heard. */
int preroll_phones(const Preroll *recent, int64_t newest);

#endif
