/** Path scores to probabilities: logistic regression (runtime/decoding/confidence.py). */
#ifndef CONFIDENCE_H
#define CONFIDENCE_H

#include "hypothesis.h"

enum { NUM_FEATURES = 10, OTHER_WORD = 9 };

/** Names of the features, in the order of the weights. */
extern const char *const FEATURES[NUM_FEATURES];

/** Lead over the best sentence of another meaning, in nats, from which on it is no rival. */
#define CLEAR 6.0

typedef struct Confidence {
  double intercept, weights[NUM_FEATURES];
  double frame_seconds;
} Confidence;

/** Probability that exactly the words of a sentence were said in that many frames. lead: over the best
 * rival, in nats; leads: of each word over other words, NULL for as clear as can be. */
double confidence_of_command(const Confidence *confidence, Arena *arena, Sentence *sentence, int num_frames, double lead, const double *leads);

/** Probability that some successive words were said, in a command of `num_phones` phones altogether. */
double confidence_of_span(const Confidence *confidence, const HypothesisWord *words, int count, int num_phones, double lead, const double *leads);

#endif
