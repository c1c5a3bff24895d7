/** The rows that a search has seen and their running sums, from which scores of any stretch of frames are read. */
#ifndef RECORD_H
#define RECORD_H

#include "free_speech.h"

/** A row is a frame, or several of certain silence. Belongs to one search. */
typedef struct Record {
  Arena *arena;
  int tokens, rows, room;
  float filler;  /* score of a row of other speech before or after the command */
  float *scores; /* [rows][tokens]: margins */
  int *frame_of; /* [rows]: the first frame of a row */
  double *sums;  /* [rows + 1][tokens + 1]: of a token in all rows before; last: silence or other speech around */
  double *speech_sums; /* [speech_rows + 1]: of free speech */
  int speech_rows;
  FreeSpeechForward forward;
} Record;

/** A phone of a path: it takes the rows `begin` to `end` - 1. */
typedef struct Span {
  int token, begin, end;
} Span;

void record_begin(Record *record, Arena *arena, int tokens, double filler_cost, const FreeSpeech *speech);

/** Room for one more row, [tokens], which is to be filled before `record_append`. */
float *record_next(Record *record);

/** The row that `record_next` gave is there; its first frame. */
void record_append(Record *record, int frame);

/** Drops the oldest rows. */
void record_forget(Record *record, int rows);

static inline const float *record_row(const Record *record, int row) {
  return record->scores + (size_t)row * (size_t)record->tokens;
}

/** Score of a token in all rows before; the number of tokens for silence or other speech. */
static inline double record_sum(const Record *record, int row, int token) {
  return record->sums[(size_t)row * (size_t)(record->tokens + 1) + (size_t)token];
}

/** From the first row of the first phone to the last one of the last phone. */
double record_command_score(const Record *record, const Span *spans, int count);

/** Score of free speech in the rows from `begin` to `end` - 1, whatever was said before them. */
double record_speech(Record *record, int begin, int end);

#endif
