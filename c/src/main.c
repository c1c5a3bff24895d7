/** PCM from standard input, commands to standard output as lines of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech_lstm.h"

enum { RATE = 16000, ALTERNATIVES = 2, FAILED = 1, WRONG_USAGE = 2 };

static const char usage[] =
    "usage: speech-commands MODEL.onnx GRAMMAR.json [--float] [--stream [--block SECONDS]] < AUDIO\n"
    "\n"
    "Recognises the command in a whole clip of raw mono audio at 16 kHz, little-endian int16, or float32 from -1 to 1 with\n"
    "--float, and prints it as a line of JSON. With --stream the audio may go on for ever, and each event of the stream (wake\n"
    "word, command, ...) is a line, as soon as it happens; the model gets --block seconds of audio at a time (0.08; 0.16 is\n"
    "cheaper and answers later). GRAMMAR.json is written by `speech-lstm grammar compile`.\n"
    "\n"
    "  ffmpeg -loglevel error -i clip.wav -ar 16000 -ac 1 -f s16le - | speech-commands default-int8.onnx words.json\n"
    "  arecord -q -r 16000 -c 1 -f S16_LE -t raw | speech-commands default-int8.onnx words.json --stream\n";

/** What is asked for, and whether standard output takes it. */
typedef struct Program {
  const speech_model *model;
  const speech_grammar *grammar;
  bool is_float, is_printed;
  double block_seconds;
} Program;

static void print_result(void *user, const speech_result *result) {
  Program *program = user;
  size_t length = speech_result_json(result, NULL, 0);
  char *line = malloc(length + 1);
  if (line) speech_result_json(result, line, length + 1);
  program->is_printed = line && puts(line) >= 0 && fflush(stdout) == 0;
  free(line);
}

static void print_event(void *user, const speech_event *event) {
  Program *program = user;
  size_t length = speech_event_json(event, NULL, 0);
  char *line = malloc(length + 1);
  if (line) speech_event_json(event, line, length + 1);
  program->is_printed = program->is_printed && line && puts(line) >= 0 && fflush(stdout) == 0;
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

/** The command in all of standard input. */
static bool hear_clip(Program *program, speech_error *error) {
  size_t length = 0, unit = program->is_float ? sizeof(float) : sizeof(int16_t);
  char *bytes = all_input(&length);
  float *audio = bytes ? samples_of(bytes, length / unit, program->is_float) : NULL;
  bool done = false;
  if (!audio) snprintf(error->message, sizeof error->message, "out of memory");
  else if (length % unit) snprintf(error->message, sizeof error->message, "got %zu bytes, expected whole samples of %zu", length, unit);
  else done = speech_recognize(program->model, program->grammar, audio, length / unit, ALTERNATIVES, print_result, program, error);
  free(audio);
  free(bytes);
  return done;
}

/** The events of standard input while it goes on. */
static bool hear_stream(Program *program, speech_error *error) {
  enum { SAMPLES = 640 };
  char bytes[SAMPLES * sizeof(float)];
  size_t unit = program->is_float ? sizeof(float) : sizeof(int16_t), got = SAMPLES;
  speech_options options = speech_default_options();
  speech_stream *stream = speech_stream_new(program->model, program->grammar, &options, program->block_seconds, error);
  bool done = stream != NULL;
  program->is_printed = true;
  while (done && program->is_printed && got == SAMPLES) {
    got = fread(bytes, unit, SAMPLES, stdin);
    float *audio = samples_of(bytes, got, program->is_float);
    done = audio && speech_stream_accept(stream, audio, got, print_event, program, error);
    if (!audio) snprintf(error->message, sizeof error->message, "out of memory");
    free(audio);
  }
  done = done && speech_stream_finish(stream, print_event, program, error);
  speech_stream_free(stream);
  return done;
}

static int failed(const char *message) {
  fprintf(stderr, "speech-commands: %s\n", message);
  return FAILED;
}

int main(int count, char **arguments) {
  const char *names[2] = {NULL, NULL};
  int given = 0;
  Program program = {.block_seconds = 0.08};
  bool is_stream = false;
  for (int i = 1; i < count; i++) {
    if (!strcmp(arguments[i], "--help")) return fputs(usage, stdout) < 0;
    if (!strcmp(arguments[i], "--float")) program.is_float = true;
    else if (!strcmp(arguments[i], "--stream")) is_stream = true;
    else if (!strcmp(arguments[i], "--block") && i + 1 < count) program.block_seconds = strtod(arguments[++i], NULL);
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
  program.model = model;
  program.grammar = grammar;
  bool done = grammar && (is_stream ? hear_stream(&program, &error) : hear_clip(&program, &error));
  speech_grammar_free(grammar);
  speech_model_free(model);
  if (!done) return failed(error.message);
  return program.is_printed ? 0 : failed("standard output cannot be written");
}
