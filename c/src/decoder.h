/** The decoder: CTC log-probabilities in, sentences of a grammar with times and scores out (runtime/decoding/decoder.py). */
#ifndef DECODER_H
#define DECODER_H

#include <math.h>

#include "best_path.h"
#include "graph.h"
#include "hypothesis.h"
#include "viterbi.h"

/** Options of the search, natural logarithms; see docs/compiled_grammar.md. */
typedef struct DecoderOptions {
  double blank_offset, fold_threshold, filler_cost, nbest_beam;
  int max_frames;
} DecoderOptions;

typedef struct Decoder {
  DecoderOptions options;
  Graph graph;
  Speller speller, backward_speller;
  FreeSpeech speech;
  Vocabulary vocabulary;
} Decoder;

/** Where a search is after a frame, see `Progress` there. */
typedef struct Progress {
  int rows, frames, trailing_blanks;
  double best_final, best_any;
  int best_node, final_node, final_row, final_frame;
} Progress;

/** Everything that changes during a search. */
typedef struct Decoding {
  Arena *arena;
  const Decoder *decoder;
  int max_frames;
  Viterbi search;
  Record record;
  BestPaths paths;
  Progress now;
  bool in_silence;
} Decoding;

/** A search that has seen no frame and shall remember that many, within what memory allows. */
void decoding_begin(Decoding *state, Arena *arena, const Decoder *decoder, int frames);

/** One frame of log-probabilities, [tokens]. Fails for NaN and for a frame without any possible token. */
void decoding_follow(Decoding *state, const float *log_probs);

/** Whether a phone beats blank in a frame. */
bool decoder_hears_phone(const Decoder *decoder, const float *log_probs);

/** Whether the best path ends a sentence here. */
static inline bool progress_is_final(const Progress *now) {
  return isfinite(now->best_final) && now->best_final >= now->best_any;
}

/** Whether more phones may follow on the best path. */
bool decoding_can_continue(const Decoding *state);

/** The best sentence alone, which costs much less than all; false while there is none. */
bool decoding_best(Decoding *state, Sentence *sentence);

/** The words that are over on the best path wherever it is; NULL for none. */
const Spelling *decoding_partial(Decoding *state);

#endif
