/**
 * Hours of audio, accelerated: `soak HOURS GRAMMAR LOG_PROBS...` repeats log-probabilities as one stream in a session and prints
 * the events and the memory in use (KiB, resident) after a tenth of the time and at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech_lstm.h"

static void count_event(void *user, const speech_event *event) {
  long *events = user;
  events[event->kind]++;
}

static long resident(void) {
  long size = 0, pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file) return 0;
  if (fscanf(file, "%ld %ld", &size, &pages) != 2) pages = 0;
  fclose(file);
  return pages * 4;
}

int main(int count, char **arguments) {
  enum { MOST_NUMBERS = 1 << 20 };
  speech_error error = {""};
  if (count < 4) return 2;
  speech_grammar *grammar = speech_grammar_load(arguments[2], &error);
  speech_options options = speech_default_options();
  speech_session *session = grammar ? speech_session_new(grammar, &options, &error) : NULL;
  float *log_probs = malloc(MOST_NUMBERS * sizeof *log_probs);
  if (!session || !log_probs) return fprintf(stderr, "%s\n", error.message), 1;
  size_t numbers = 0;
  for (int i = 3; i < count; i++) {
    FILE *file = fopen(arguments[i], "rb");
    if (!file) return 2;
    numbers += fread(log_probs + numbers, sizeof *log_probs, MOST_NUMBERS - numbers, file);
    fclose(file);
  }
  size_t frames = numbers / speech_grammar_tokens(grammar);
  double hours = strtod(arguments[1], NULL), seconds = 0, step = (double)frames * speech_grammar_frame_seconds(grammar);
  long events[6] = {0}, early = 0;
  resident(); /* once before it counts: what a file takes of the heap moves what is freed below it */
  for (; seconds < hours * 3600; seconds += step) {
    if (!early && seconds > hours * 360) early = resident();
    if (!speech_session_advance(session, log_probs, frames, count_event, events, &error)) return fprintf(stderr, "%s\n", error.message), 1;
  }
  if (!speech_session_finish(session, count_event, events, &error)) return fprintf(stderr, "%s\n", error.message), 1;
  printf("%.1f hours: %ld wake words, %ld commands, %ld rejected; %ld KiB after a tenth, %ld KiB at the end\n", seconds / 3600,
         events[SPEECH_WAKE_WORD], events[SPEECH_COMMAND], events[SPEECH_REJECTED], early, resident());
  speech_session_free(session);
  speech_grammar_free(grammar);
  free(log_probs);
  return 0;
}
