/**
 * Mutated files: `mutate COUNT SEED GRAMMAR LOG_PROBS` or `mutate COUNT SEED MODEL` loads so many of them. A grammar that is
 * still one decodes the log-probabilities as a clip and hears them as a stream. It is enough that the program ends well, under
 * AddressSanitizer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech_lstm.h"

enum { MOST_BYTES = 1 << 24, MOST_LONGER = 1 << 12 };

/** xorshift64* */
static uint64_t random_of(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 2685821657736338717ULL;
}

static size_t below(uint64_t *state, size_t limit) { return limit ? (size_t)(random_of(state) >> 8) % limit : 0; }

/** Changes bytes in a buffer that has room for more; returns the new length. */
static size_t mutate_once(uint64_t *state, char *bytes, size_t length) {
  static const char *const words[] = {"-1", "0", "1e308", "1073741824", "99999999999", "null", "[]", "{}", "true", "\"\"", "-0.5", "\"x\"", ",", "[", "}", "\\u0000"};
  size_t at = below(state, length), from = below(state, length), count = 1 + below(state, 40);
  if (count > length - at) count = length - at;
  if (count > length - from) count = length - from;
  switch (below(state, 9)) {
    case 0: bytes[at] = (char)(bytes[at] ^ (1 << below(state, 8))); break;
    case 1: bytes[at] = (char)below(state, 256); break;
    case 2: memmove(bytes + at, bytes + at + count, length - at - count); return length - count;
    case 3: memmove(bytes + at, bytes + from, count); break;
    case 4: return at ? at : length; /* cut */
    case 5: { /* more of the same */
      memmove(bytes + at + count, bytes + at, length - at);
      return length + count;
    }
    case 6: { /* another value */
      const char *word = words[below(state, sizeof words / sizeof *words)];
      size_t size = strlen(word);
      while (at < length && bytes[at] != ',' && bytes[at] != '[' && bytes[at] != ':') at++;
      if (at + 1 >= length) break;
      size_t end = at + 1;
      while (end < length && bytes[end] != ',' && bytes[end] != ']' && bytes[end] != '}') end++;
      memmove(bytes + at + 1 + size, bytes + end, length - end);
      memcpy(bytes + at + 1, word, size);
      return length - (end - at - 1) + size;
    }
    default: /* another digit, which leaves JSON as it is */
      while (at < length && (bytes[at] < '0' || bytes[at] > '9')) at++;
      if (at < length) bytes[at] = (char)('0' + below(state, 10));
  }
  return length;
}

static void ignore_result(void *user, const speech_result *result) {
  char line[64];
  *(size_t *)user += speech_result_json(result, line, sizeof line);
}

static void ignore_event(void *user, const speech_event *event) {
  char line[64];
  *(size_t *)user += speech_event_json(event, line, sizeof line);
}

/** Whether a grammar hears frames as a clip and as a stream, without or with its wake words, or gives an error. */
static bool hear(const speech_grammar *grammar, const float *log_probs, size_t numbers, bool wake_words) {
  speech_error error = {""};
  size_t told = 0, frames = numbers / speech_grammar_tokens(grammar);
  if (frames > 60) frames = 60;
  speech_options options = speech_default_options();
  options.wake_words = wake_words;
  speech_session *session = speech_session_new(grammar, &options, &error);
  bool done = session != NULL;
  done = done && speech_session_advance(session, log_probs, frames, ignore_event, &told, &error);
  done = done && speech_session_finish(session, ignore_event, &told, &error);
  speech_session_free(session);
  return speech_decode(grammar, log_probs, frames, 1e9, 2, ignore_result, &told, &error) && done;
}

/** Content of a file with room after it. */
static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  char *bytes = malloc(MOST_BYTES + MOST_LONGER);
  if (!file || !bytes) exit(2);
  *length = fread(bytes, 1, MOST_BYTES, file);
  fclose(file);
  return bytes;
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  bool is_model = count == 4;
  uint64_t state = strtoull(arguments[2], NULL, 10) * 2 + 1;
  long todo = strtol(arguments[1], NULL, 10), read = 0, decoded = 0;
  size_t length = 0, numbers = 0;
  char *original = read_file(arguments[3], &length), *bytes = malloc(length + MOST_LONGER);
  float *log_probs = is_model ? NULL : (float *)(void *)read_file(arguments[4], &numbers);
  if (!bytes) return 2;
  for (long done = 0; done < todo; done++) {
    speech_error error = {""};
    memcpy(bytes, original, length);
    size_t now = length, changes = 1 + below(&state, 4);
    for (size_t i = 0; i < changes && now; i++) now = mutate_once(&state, bytes, now);
    if (now == length && !memcmp(bytes, original, length)) bytes[length / 2] ^= 1; /* the changes undid each other */
    bytes[now] = 0;
    char *exact = malloc(now + 1); /* its end is watched */
    if (!exact) return 2;
    memcpy(exact, bytes, now + 1);
#ifdef WITH_MODEL
    speech_model *model = is_model ? speech_model_parse(exact, now, "mutated", &error) : NULL;
    read += model != NULL;
    speech_model_free(model);
#endif
    speech_grammar *grammar = is_model ? NULL : speech_grammar_parse(exact, now, "mutated", &error);
    free(exact);
    if (grammar) {
      read++;
      decoded += hear(grammar, log_probs, numbers / sizeof *log_probs, done % 2);
      speech_grammar_free(grammar);
    }
  }
  printf("%ld mutated files: %ld read, %ld of them decoded\n", todo, read, decoded);
  free(original);
  free(bytes);
  free(log_probs);
  return 0;
}
