#include "record.h"

#include <math.h>
#include <string.h>

static void grow(Record *record, int room) {
  size_t tokens = (size_t)record->tokens, rows = (size_t)record->rows, more = (size_t)room;
  record->scores = take_longer(record->arena, record->scores, rows * tokens, more * tokens, sizeof(float));
  record->frame_of = take_longer(record->arena, record->frame_of, rows, more, sizeof(int));
  size_t summed = record->sums ? (rows + 1) * (tokens + 1) : 0;
  record->sums = take_longer(record->arena, record->sums, summed, (more + 1) * (tokens + 1), sizeof(double));
  size_t heard = record->speech_sums ? (size_t)record->speech_rows + 1 : 0;
  record->speech_sums = take_longer(record->arena, record->speech_sums, heard, more + 1, sizeof(double));
  record->room = room;
}

void record_begin(Record *record, Arena *arena, int tokens, double filler_cost, const FreeSpeech *speech) {
  *record = (Record){.arena = arena, .tokens = tokens, .filler = (float)-filler_cost};
  record->forward = free_speech_begin(arena, speech);
  grow(record, 64);
}

float *record_next(Record *record) {
  if (record->rows == record->room) grow(record, 2 * record->room);
  return record->scores + (size_t)record->rows * (size_t)record->tokens;
}

static void sum(Record *record, int row) {
  const float *scores = record_row(record, row);
  int tokens = record->tokens;
  double *before = record->sums + (size_t)row * (size_t)(tokens + 1), *after = before + tokens + 1;
  for (int token = 0; token < tokens; token++) after[token] = before[token] + (double)scores[token];
  after[tokens] = before[tokens] + (double)(scores[0] > record->filler ? scores[0] : record->filler);
}

void record_append(Record *record, int frame) {
  record->frame_of[record->rows] = frame;
  sum(record, record->rows++);
}

void record_forget(Record *record, int rows) {
  size_t left = (size_t)(record->rows - rows), tokens = (size_t)record->tokens;
  memmove(record->scores, record_row(record, rows), left * tokens * sizeof(float));
  memmove(record->frame_of, record->frame_of + rows, left * sizeof(int));
  record->rows = (int)left;
  for (int row = 0; row < record->rows; row++) sum(record, row);
  record->speech_rows = 0;
  free_speech_reset(&record->forward);
}

double record_command_score(const Record *record, const Span *spans, int count) {
  double phones = 0, pauses = 0;
  for (int i = 0; i < count; i++)
    phones += record_sum(record, spans[i].end, spans[i].token) - record_sum(record, spans[i].begin, spans[i].token);
  for (int i = 1; i < count; i++) pauses += record_sum(record, spans[i].begin, 0) - record_sum(record, spans[i - 1].end, 0);
  return phones + pauses;
}

double record_speech(Record *record, int begin, int end) {
  Mark mark = arena_mark(record->arena);
  float *probs = TAKE(record->arena, record->tokens, float);
  for (; record->speech_rows < end; record->speech_rows++) {
    const float *scores = record_row(record, record->speech_rows);
    for (int token = 0; token < record->tokens; token++) probs[token] = expf(scores[token]);
    double *sums = record->speech_sums + record->speech_rows;
    sums[1] = sums[0] + log(free_speech_advance(&record->forward, probs));
  }
  arena_release(record->arena, mark);
  return record->speech_sums[end] - record->speech_sums[begin];
}
