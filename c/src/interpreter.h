/** Sentences of the decoder to results: meaning, times, confidence, the decision (runtime/live/interpreter.py). */
#ifndef INTERPRETER_H
#define INTERPRETER_H

#include <stdint.h>

#include "confidence.h"
#include "grammar.h"
#include "nbest.h"

/** A result, and the last frame of it in the search, -1 without words. */
typedef struct Decision {
  speech_result result;
  int last_frame;
} Decision;

/**
 * The result of a search. threshold: least confidence of an accepted one. alternatives: at most so many. first_frame: where in
 * the audio the search began. latest: seconds, no time is after it.
 */
Decision interpreter_decide(const speech_grammar *grammar, double threshold, Arena *arena, Decoding *state, int alternatives,
                            int64_t first_frame, double latest);

/** Whether a sentence is accepted if it has no rival. */
bool interpreter_accepts(const speech_grammar *grammar, double threshold, Arena *arena, Sentence *sentence, int num_frames);

/** Seconds as they are told: to four digits. */
double interpreter_seconds(double seconds);

#endif
