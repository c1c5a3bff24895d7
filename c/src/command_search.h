/** The search for one command of a stream (runtime/live/command_search.py). */
#ifndef COMMAND_SEARCH_H
#define COMMAND_SEARCH_H

#include <stdint.h>

#include "interpreter.h"

/** What was heard since speech began, and what is said in it so far. `origin`: frame of the stream at which it began. */
typedef struct CommandSearch {
  Arena arena;   /* of the search */
  Arena scratch; /* of the last decision */
  const speech_grammar *grammar;
  double threshold;
  int64_t origin;
  Decoding state;
  float *heard; /* frames, [room * tokens] */
  int num_heard, room;
  const Spelling *told; /* words that were told last */
  int told_at, tried_at; /* frames when words were asked for, and when a sentence was tried; -1: never */
} CommandSearch;

/** frames: that shall be remembered. */
void command_search_begin(CommandSearch *search, const Trouble *trouble, const speech_grammar *grammar, double threshold, int64_t origin, int frames);
void command_search_end(CommandSearch *search);

void command_search_follow(CommandSearch *search, const float *log_probs);

/** The words that are over on the best path, if they are others than last time and that is `wait` frames ago; else NULL. */
const char *command_search_new_words(CommandSearch *search, int wait);

/** Frames since `command_search_might_be_accepted` was asked for; many for never. */
int command_search_untried(const CommandSearch *search);

/** Whether the best sentence would be accepted if it had no rival; this costs much less than to decide. */
bool command_search_might_be_accepted(CommandSearch *search);

/** The result, valid until the next decision; time: seconds of the stream, no time is after it. */
Decision command_search_decide(CommandSearch *search, int alternatives, double time);

#endif
