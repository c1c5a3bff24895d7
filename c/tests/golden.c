/** Decodes stored log-probabilities: `golden clips GRAMMAR [LOG_PROBS SECONDS]...` prints a line of JSON for each clip. */
#include <stdio.h>
#include <stdlib.h>

#include "speech_lstm.h"

static void print(void *user, const speech_result *result) {
  (void)user;
  size_t length = speech_result_json(result, NULL, 0);
  char *line = malloc(length + 1);
  if (!line) return;
  speech_result_json(result, line, length + 1);
  puts(line);
  free(line);
}

int main(int count, char **arguments) {
  speech_error error = {""};
  if (count < 3) return 2;
  speech_grammar *grammar = speech_grammar_load(arguments[2], &error);
  if (!grammar) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  for (int i = 3; i + 1 < count; i += 2) { /* each a file and its seconds */
    FILE *file = fopen(arguments[i], "rb");
    enum { MOST_NUMBERS = 1 << 22 };
    float *log_probs = malloc(MOST_NUMBERS * sizeof *log_probs);
    if (!file || !log_probs) return 2;
    size_t numbers = fread(log_probs, sizeof *log_probs, MOST_NUMBERS, file);
    fclose(file);
    size_t frames = numbers / speech_grammar_tokens(grammar);
    bool done = speech_decode(grammar, log_probs, frames, strtod(arguments[i + 1], NULL), 2, print, NULL, &error);
    free(log_probs);
    if (done) continue;
    fprintf(stderr, "%s\n", error.message);
    speech_grammar_free(grammar);
    return 1;
  }
  speech_grammar_free(grammar);
  return 0;
}
