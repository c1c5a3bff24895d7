/** Wake words: phrases looked for in every frame (runtime/wake/wakeword.py, phone_chains.py). */
#ifndef WAKE_H
#define WAKE_H

#include "grammar.h"

/** A phrase that was heard: its number; frames since the search began. */
typedef struct Detection {
  int phrase, first_frame, last_frame;
  double score; /* log-probability per phone, <= 0 */
} Detection;

/** The search of one stream. Memory and time per frame are constant. */
typedef struct WakeSearch {
  Arena *arena;
  const WakeWords *words;
  int tokens, places, rows; /* rows: frames that are kept */
  const int *labels;        /* [places]: tokens, `tokens` for anything */
  const double *idle;       /* [places]: prior of a way at its "anything", 0 elsewhere */
  const int *lasts;         /* [ways]: place of the last phone */
  const int *first_ways;    /* [phrases + 1] */
  const double *num_phones, *least_said; /* [phrases] */
  const int *phones_left;   /* [places]: that follow until the phrase is said */
  const double *least_begun; /* [places]: from which on a phrase may be said soon */
  int confirm_frames, refractory_frames, pause_frames;
  FreeSpeechForward speech;
  float *probs;
  double *ratios, *into, *phones, *blanks, *nothing;
  const double *phone, *blank; /* of the last row */
  int *frames;                 /* [rows]: frame of a row */
  int num_rows, num_frames, deaf_until, pause;
  bool asleep, has_best;
  Detection best; /* until it is clear that nothing better follows */
  double best_above;
} WakeSearch;

void wake_begin(WakeSearch *search, Arena *arena, const speech_grammar *grammar);

/** Forget all. */
void wake_restart(WakeSearch *search);

/** One frame of log-probabilities; whether a phrase is heard now. Fails for NaN. */
bool wake_advance(WakeSearch *search, const float *log_probs, Detection *found);

/** After how many frames a phrase may be heard, at the earliest: each phone that is left takes one at least. */
int wake_frames_left(const WakeSearch *search);

#endif
