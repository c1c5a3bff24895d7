/** PCM from standard input, commands to standard output as lines of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech_lstm.h"

enum { RATE = 16000, ALTERNATIVES = 2, FAILED = 1, WRONG_USAGE = 2 };

static const char usage[] =
    "usage: speech-commands MODEL.onnx GRAMMAR.json [--float] < AUDIO\n"
    "\n"
    "Recognises the command in a whole clip of raw mono audio at 16 kHz, little-endian int16, or float32 from -1 to 1 with\n"
    "--float, and prints it as a line of JSON. GRAMMAR.json is written by `speech-lstm grammar compile`.\n"
    "\n"
    "  ffmpeg -loglevel error -i clip.wav -ar 16000 -ac 1 -f s16le - | speech-commands default-int8.onnx words.json\n";

static void print(void *user, const speech_result *result) {
  bool *done = user;
  size_t length = speech_result_json(result, NULL, 0);
  char *line = malloc(length + 1);
  if (!line) return;
  speech_result_json(result, line, length + 1);
  *done = puts(line) >= 0 && fflush(stdout) == 0;
  free(line);
}

/** All of standard input, to be freed; NULL where memory does not suffice. */
static char *all_input(size_t *length) {
  size_t room = 1 << 16, got = 0, now = 1;
  char *bytes = malloc(room);
  while (bytes && now) {
    if (got == room) {
      char *more = realloc(bytes, room *= 2);
      if (!more) free(bytes);
      bytes = more;
    }
    now = bytes ? fread(bytes + got, 1, room - got, stdin) : 0;
    got += now;
  }
  *length = got;
  return bytes;
}

/** Samples from bytes, -1..1; to be freed. */
static float *samples_of(const char *bytes, size_t count, bool is_float) {
  float *audio = malloc(count * sizeof *audio + 1);
  for (size_t i = 0; audio && i < count; i++) {
    const unsigned char *at = (const unsigned char *)bytes + i * (is_float ? 4 : 2);
    int16_t whole = (int16_t)(uint16_t)(at[0] | at[1] << 8);
    if (is_float) memcpy(&audio[i], at, sizeof *audio);
    else speech_from_int16(&whole, 1, &audio[i]);
  }
  return audio;
}

static int failed(const char *message) {
  fprintf(stderr, "speech-commands: %s\n", message);
  return FAILED;
}

int main(int count, char **arguments) {
  const char *names[2] = {NULL, NULL};
  int given = 0;
  bool is_float = false;
  for (int i = 1; i < count; i++) {
    if (!strcmp(arguments[i], "--help")) return fputs(usage, stdout) < 0;
    if (!strcmp(arguments[i], "--float")) is_float = true;
    else if (arguments[i][0] != '-' && given < 2) names[given++] = arguments[i];
    else given = 3;
  }
  if (given != 2) {
    fputs(usage, stderr);
    return WRONG_USAGE;
  }
  speech_error error = {""};
  speech_model *model = speech_model_load(names[0], &error);
  speech_grammar *grammar = model ? speech_grammar_load(names[1], &error) : NULL;
  size_t length = 0, unit = is_float ? sizeof(float) : sizeof(int16_t);
  char *bytes = grammar ? all_input(&length) : NULL;
  float *audio = bytes ? samples_of(bytes, length / unit, is_float) : NULL;
  bool done = false, printed = false;
  if (grammar && !audio) snprintf(error.message, sizeof error.message, "out of memory");
  else if (audio && length % unit) snprintf(error.message, sizeof error.message, "got %zu bytes, expected whole samples of %zu", length, unit);
  else if (audio) done = speech_recognize(model, grammar, audio, length / unit, ALTERNATIVES, print, &printed, &error);
  free(audio);
  free(bytes);
  speech_grammar_free(grammar);
  speech_model_free(model);
  if (!done) return failed(error.message);
  return printed ? 0 : failed("standard output cannot be written");
}
