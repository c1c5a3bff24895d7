/** How likely each frame is after all before it, when anybody may say anything (runtime/decoding/free_speech.py). */
#ifndef FREE_SPEECH_H
#define FREE_SPEECH_H

#include "memory.h"

/** A bigram of phones, numbered from 0; token 0 is blank, so tokens are one more. */
typedef struct FreeSpeech {
  int phones;
  const float *start; /* [phones] */
  const float *move;  /* [phones * phones], a row: after which phone */
  const float *often; /* [phones] */
} FreeSpeech;

/** The forward algorithm at work on one stream. */
typedef struct FreeSpeechForward {
  const FreeSpeech *speech;
  float *state, *next; /* [2 * phones + 1]: phones, blanks after them, the blank before all */
} FreeSpeechForward;

FreeSpeechForward free_speech_begin(Arena *arena, const FreeSpeech *speech);

/** Nothing has been heard. */
void free_speech_reset(FreeSpeechForward *forward);

/** p(frame | frames before). probs: [1 + phones], blank first, at least one above 0. */
double free_speech_advance(FreeSpeechForward *forward, const float *probs);

/** A frame of certain blank. */
void free_speech_rest(FreeSpeechForward *forward);

/** Probability of a sequence of tokens, at least one, anywhere in speech. */
double free_speech_probability(const FreeSpeech *speech, const int *tokens, int count);

#endif
