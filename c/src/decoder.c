#include "decoder.h"

#include <math.h>

static const float LOWEST = -1e4F; /* floor of a score, so that sums stay finite */

/** Most memory of a search for what it has heard. */
enum { HISTORY_BYTES = 64 << 20 };

void decoding_begin(Decoding *state, Arena *arena, const Decoder *decoder, int frames) {
  const Graph *graph = &decoder->graph;
  int most = HISTORY_BYTES / 4 / (graph->nodes + graph->tokens);
  if (frames > most) frames = most;
  *state = (Decoding){.arena = arena, .decoder = decoder, .now = {.best_final = -HUGE_VAL}};
  state->max_frames = frames > decoder->options.max_frames ? frames : decoder->options.max_frames;
  viterbi_begin(&state->search, arena, graph);
  record_begin(&state->record, arena, graph->tokens, decoder->options.filler_cost, &decoder->speech);
  best_paths_begin(&state->paths, arena, &state->search, &state->record, &decoder->speller);
}

/** The log-probabilities as margins: blank's offset taken off it, then the highest off all. Returns that of blank. */
static float margins(const Decoding *state, const float *log_probs, float *row) {
  int tokens = state->decoder->graph.tokens;
  row[0] = log_probs[0] - (float)state->decoder->options.blank_offset;
  float highest = row[0];
  bool is_number = log_probs[0] == log_probs[0];
  for (int token = 1; token < tokens; token++) {
    row[token] = log_probs[token];
    is_number = is_number && row[token] == row[token];
    if (row[token] > highest) highest = row[token];
  }
  if (!is_number || !isfinite(highest)) fail(state->arena->trouble, "log_probs has NaN or a frame without any possible token");
  for (int token = 0; token < tokens; token++) {
    row[token] -= highest;
    if (row[token] < LOWEST) row[token] = LOWEST;
  }
  return row[0];
}

/** One row later. `outside`: its score if it is before or after the command; `frame`: its first one. */
static Progress after_row(Progress now, Best best, double outside, int frame) {
  double left = (double)(float)(now.best_final + outside); /* the best sentence so far, then silence or other speech */
  if ((double)best.final_score > left) {
    now.best_final = (double)best.final_score;
    now.final_node = best.final_node;
    now.final_row = now.rows;
    now.final_frame = frame;
  } else {
    now.best_final = left;
  }
  now.best_any = fmax((double)best.score, now.best_final);
  now.best_node = best.node;
  now.rows++;
  return now;
}

static double outside_of(const Decoding *state, float blank) {
  return fmax((double)blank, -state->decoder->options.filler_cost);
}

/** Drops the older half of the history and searches the newer one again. */
static Progress forget(Decoding *state) {
  Record *record = &state->record;
  record_forget(record, (record->rows + 1) / 2);
  viterbi_clear(&state->search);
  best_paths_clear(&state->paths);
  Progress now = state->now;
  now.rows = now.final_row = 0;
  now.best_final = -HUGE_VAL;
  for (int at = 0; at < record->rows; at++) {
    const float *row = record_row(record, at);
    double outside = outside_of(state, row[0]);
    now = after_row(now, viterbi_step(&state->search, row, outside), outside, record->frame_of[at]);
  }
  return now;
}

void decoding_follow(Decoding *state, const float *log_probs) {
  const DecoderOptions *options = &state->decoder->options;
  float *row = record_next(&state->record);
  float blank = margins(state, log_probs, row);
  bool is_silent = blank == 0 && (double)log_probs[0] > log(options->fold_threshold);
  Progress now = state->now;
  if (!(is_silent && state->in_silence)) {
    if (state->record.rows >= state->max_frames) {
      now = forget(state);
      row = record_next(&state->record);
      margins(state, log_probs, row);
    }
    for (int token = 1; is_silent && token < state->decoder->graph.tokens; token++) row[token] = LOWEST;
    record_append(&state->record, now.frames);
    double outside = outside_of(state, blank);
    now = after_row(now, viterbi_step(&state->search, row, outside), outside, now.frames);
  }
  state->in_silence = is_silent;
  now.frames++;
  now.trailing_blanks = blank == 0 ? now.trailing_blanks + 1 : 0;
  state->now = now;
}

bool decoder_hears_phone(const Decoder *decoder, const float *log_probs) {
  double blank = (double)log_probs[0] - decoder->options.blank_offset;
  for (int token = 1; token < decoder->graph.tokens; token++)
    if ((double)log_probs[token] > blank) return true;
  return false;
}

bool decoding_can_continue(const Decoding *state) {
  return !progress_is_final(&state->now) || state->decoder->graph.leaves[state->now.final_node];
}

bool decoding_best(Decoding *state, Sentence *sentence) {
  const Progress *now = &state->now;
  Record *record = &state->record;
  const Spelling *spellings[MAX_SPELLINGS];
  if (!isfinite(now->best_final)) return false;
  Path *path = best_path_to(&state->paths, now->final_node, now->final_row + 1);
  if (!path || !path->length || !speller_sentences(&state->decoder->speller, path->prefix, spellings)) return false;
  Span *spans = path_spans(state->arena, path);
  int outside = record->tokens;
  double around = record_sum(record, spans[0].begin, outside) + record_sum(record, now->rows, outside) -
                  record_sum(record, spans[path->length - 1].end, outside);
  *sentence = (Sentence){
      .record = record,
      .vocabulary = &state->decoder->vocabulary,
      .speller = &state->decoder->speller,
      .phones = path->prefix->phones,
      .num_phones = path->length,
      .spelling = spellings[0],
      .words = spelling_words(state->arena, spellings[0]),
      .num_words = spellings[0] ? spellings[0]->count : 0,
      .score = around + record_command_score(record, spans, path->length),
      .spans = spans,
  };
  return true;
}

const Spelling *decoding_partial(Decoding *state) {
  Path *path = best_path_to(&state->paths, state->now.best_node, state->now.rows);
  if (!path) return NULL;
  if (!path->beginning_known) {
    path->beginning = speller_beginning(&state->decoder->speller, path->prefix);
    path->beginning_known = true;
  }
  return path->beginning;
}
