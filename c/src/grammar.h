/** A compiled grammar in memory: all that recognition needs beside the model (docs/compiled_grammar.md). */
#ifndef GRAMMAR_H
#define GRAMMAR_H

#include "confidence.h"
#include "decoder.h"
#include "meaning.h"

/** What the model that a grammar was compiled for takes and gives. */
typedef struct ModelFacts {
  const char **tokens;
  int num_tokens;
  int sample_rate, chunk_samples, state_size;
  double frame_seconds, tail_seconds;
} ModelFacts;

/** A phrase to wait for; `threshold`: lowest score per phone of a detection. */
typedef struct WakePhrase {
  const char *text;
  double threshold;
  Ways ways;
} WakePhrase;

/** `phrases` are none where there are no wake words. */
typedef struct WakeWords {
  double fold_threshold, confirm_seconds, refractory_seconds, pause_seconds, longest_seconds;
  const WakePhrase *phrases;
  int num_phrases;
} WakeWords;

struct speech_grammar {
  Arena arena;
  const char *name;
  ModelFacts model;
  const char **words;
  int num_words;
  Decoder decoder;
  Sentences sentences;
  Confidence confidence;
  double accept, open; /* least confidence of a command that was asked for, and of one that may come at any time */
  WakeWords wake;
};

#endif
