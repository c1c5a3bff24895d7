/**
 * What the library makes of stored log-probabilities, as lines of JSON:
 *
 *     golden clips GRAMMAR [LOG_PROBS SECONDS]...                                      the result of each clip
 *     golden session GRAMMAR LOG_PROBS SECONDS [OPTION=VALUE | FRAME:press | FRAME:release]...   the events of a session
 *     golden wake GRAMMAR LOG_PROBS                                                    what the wake word search hears
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wake.h"

static char *line_of(size_t length) {
  char *line = malloc(length + 1);
  if (!line) exit(3);
  return line;
}

static void print_result(void *user, const speech_result *result) {
  (void)user;
  size_t length = speech_result_json(result, NULL, 0);
  char *line = line_of(length);
  speech_result_json(result, line, length + 1);
  puts(line);
  free(line);
}

static void print_event(void *user, const speech_event *event) {
  (void)user;
  size_t length = speech_event_json(event, NULL, 0);
  char *line = line_of(length);
  speech_event_json(event, line, length + 1);
  puts(line);
  free(line);
}

static float *read_frames(const char *path, size_t tokens, size_t *frames) {
  enum { MOST_NUMBERS = 1 << 20 };
  FILE *file = fopen(path, "rb");
  float *log_probs = malloc(MOST_NUMBERS * sizeof *log_probs);
  if (!file || !log_probs) exit(3);
  *frames = fread(log_probs, sizeof *log_probs, MOST_NUMBERS, file) / tokens;
  fclose(file);
  return log_probs;
}

static bool set_option(speech_options *o, const char *argument) {
  struct {
    const char *name;
    double *seconds;
    int *whole;
    bool *flag;
  } known[] = {
      {"confirm_seconds", &o->confirm_seconds, NULL, NULL}, {"pause_seconds", &o->pause_seconds, NULL, NULL},
      {"leading_seconds", &o->leading_seconds, NULL, NULL}, {"total_seconds", &o->total_seconds, NULL, NULL},
      {"wake_tail_seconds", &o->wake_tail_seconds, NULL, NULL}, {"release_seconds", &o->release_seconds, NULL, NULL},
      {"preroll_seconds", &o->preroll_seconds, NULL, NULL}, {"partial_seconds", &o->partial_seconds, NULL, NULL},
      {"speech_frames", NULL, &o->speech_frames, NULL}, {"alternatives", NULL, &o->alternatives, NULL},
      {"partials", NULL, NULL, &o->partials}, {"push_to_talk", NULL, NULL, &o->push_to_talk}, {"wake_words", NULL, NULL, &o->wake_words},
  };
  size_t length = strcspn(argument, "=");
  for (size_t i = 0; argument[length] && i < sizeof known / sizeof *known; i++) {
    if (strlen(known[i].name) != length || strncmp(known[i].name, argument, length)) continue;
    double value = strtod(argument + length + 1, NULL);
    if (known[i].seconds) *known[i].seconds = value;
    if (known[i].whole) *known[i].whole = (int)value;
    if (known[i].flag) *known[i].flag = value > 0;
    return true;
  }
  return false;
}

static bool hear_session(const speech_grammar *grammar, int count, char **arguments, speech_error *error) {
  size_t frames = 0, tokens = speech_grammar_tokens(grammar);
  speech_options options = speech_default_options();
  for (int i = 2; i < count; i++)
    if (!set_option(&options, arguments[i]) && !strchr(arguments[i], ':')) exit(2);
  float *log_probs = read_frames(arguments[0], tokens, &frames);
  speech_session *session = speech_session_new(grammar, &options, error);
  bool done = session != NULL;
  for (size_t frame = 0; done && frame < frames; frame++) {
    for (int i = 2; i < count; i++) {
      char *button = strchr(arguments[i], ':');
      if (!button || strtoul(arguments[i], NULL, 10) != frame) continue;
      if (!strcmp(button, ":press")) speech_session_press(session);
      else speech_session_release(session);
    }
    done = speech_session_advance(session, log_probs + frame * tokens, 1, print_event, NULL, error);
  }
  if (done) speech_session_end_at(session, strtod(arguments[1], NULL));
  done = done && speech_session_finish(session, print_event, NULL, error);
  speech_session_free(session);
  free(log_probs);
  return done;
}

typedef struct Waking {
  Arena arena;
  const speech_grammar *grammar;
  const float *log_probs;
  size_t frames;
} Waking;

static void hear_wake_words(void *argument) {
  Waking *waking = argument;
  WakeSearch *search = TAKE(&waking->arena, 1, WakeSearch);
  wake_begin(search, &waking->arena, waking->grammar);
  Detection found;
  for (size_t frame = 0; frame < waking->frames; frame++)
    if (wake_advance(search, waking->log_probs + frame * speech_grammar_tokens(waking->grammar), &found))
      printf("{\"phrase\": \"%s\", \"score\": %.9f, \"first_frame\": %d, \"last_frame\": %d}\n", waking->grammar->wake.phrases[found.phrase].text,
             found.score, found.first_frame, found.last_frame);
}

static bool hear_wake(const speech_grammar *grammar, char **arguments, speech_error *error) {
  Trouble trouble = {.error = error};
  Waking waking = {.arena = {.trouble = &trouble}, .grammar = grammar};
  float *log_probs = read_frames(arguments[0], speech_grammar_tokens(grammar), &waking.frames);
  waking.log_probs = log_probs;
  bool done = attempt(&trouble, hear_wake_words, &waking);
  arena_free(&waking.arena);
  free(log_probs);
  return done;
}

static bool hear_clips(const speech_grammar *grammar, int count, char **arguments, speech_error *error) {
  bool done = true;
  for (int i = 0; done && i + 1 < count; i += 2) {
    size_t frames = 0;
    float *log_probs = read_frames(arguments[i], speech_grammar_tokens(grammar), &frames);
    done = speech_decode(grammar, log_probs, frames, strtod(arguments[i + 1], NULL), 2, print_result, NULL, error);
    free(log_probs);
  }
  return done;
}

int main(int count, char **arguments) {
  speech_error error = {""};
  if (count < 3) return 2;
  speech_grammar *grammar = speech_grammar_load(arguments[2], &error);
  const char *mode = arguments[1];
  bool done = grammar != NULL;
  if (done && !strcmp(mode, "clips")) done = hear_clips(grammar, count - 3, arguments + 3, &error);
  else if (done && !strcmp(mode, "session") && count >= 5) done = hear_session(grammar, count - 3, arguments + 3, &error);
  else if (done && !strcmp(mode, "wake") && count == 4) done = hear_wake(grammar, arguments + 3, &error);
  speech_grammar_free(grammar);
  if (!done) fprintf(stderr, "%s\n", error.message);
  return !done;
}
