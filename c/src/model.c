#if !defined(_WIN32)
#define _POSIX_C_SOURCE 200112L /* setenv */
#endif

#include "model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "ort.h"
#include "sha256.h"

#define EXPORT_AGAIN "export it again with `speech-lstm export`"

enum { FORMAT_VERSION = 2, SAMPLE_RATE = 16000 };

struct speech_model {
  Arena arena;
  ModelFacts facts;
  const char *path;
  const OrtApi *api;
  OrtEnv *env;
  OrtSession *session;
  OrtMemoryInfo *memory;
};

/** Fails with what ONNX Runtime says, if it says something. */
static void check(const speech_model *model, const Trouble *trouble, OrtStatus *status, const char *what) {
  if (!status) return;
  char message[240];
  snprintf(message, sizeof message, "%s", ORT(model->api, GetErrorMessage)(status));
  message[strcspn(message, "\n")] = 0;
  ORT(model->api, ReleaseStatus)(status);
  fail(trouble, "%s: %s: %s; " EXPORT_AGAIN, model->path, what, message);
}

/** Whether a file has a checksum, and the one that it says: a damaged file is refused before native code reads it. */
static void check_sum(const speech_model *model, const Trouble *trouble, const char *content, size_t length) {
  enum { DIGITS = 64 };
  static const char key[] = "sha256\x12\x40"; /* key and length of the value in protobuf */
  const size_t key_length = sizeof key - 1;
  const char *found = NULL;
  for (size_t at = 0; !found && at + key_length + DIGITS <= length; at++) {
    const char *next = memchr(content + at, key[0], length - key_length - DIGITS - at + 1);
    if (!next) break;
    at = (size_t)(next - content);
    if (!memcmp(next, key, key_length) && strspn(next + key_length, "0123456789abcdef") >= DIGITS) found = next + key_length;
  }
  if (!found) fail(trouble, "%s: not a speech-lstm model (it has no checksum); " EXPORT_AGAIN, model->path);
  char zeros[DIGITS], actual[DIGITS + 1];
  memset(zeros, '0', DIGITS);
  Sha256 sum = SHA256_BEGIN; /* of the file with zeros in place of the checksum */
  sha256_add(&sum, content, (size_t)(found - content));
  sha256_add(&sum, zeros, DIGITS);
  sha256_add(&sum, found + DIGITS, (size_t)(content + length - found) - DIGITS);
  sha256_end(&sum, actual);
  if (memcmp(found, actual, DIGITS)) fail(trouble, "%s: damaged: the checksum does not match; download or export it again", model->path);
}

/**
 * Nothing leaves the device: ONNX Runtime 1.29 and later makes a device id in the home folder and reports its use to its maker
 * unless this is set before it starts. The function of its API turns off the events of Windows alone.
 */
static bool turn_telemetry_off(void) {
#if defined(_WIN32)
  return !_putenv_s("ORT_DISABLE_TELEMETRY", "1");
#else
  return !setenv("ORT_DISABLE_TELEMETRY", "1", 1);
#endif
}

static void open_session(speech_model *model, const Trouble *trouble, const void *content, size_t length) {
  const OrtApi *api = model->api;
  OrtSessionOptions *options = NULL;
  if (!turn_telemetry_off()) fail(trouble, "ORT_DISABLE_TELEMETRY=1 cannot be set in the environment, without which ONNX Runtime reports its use");
  check(model, trouble, ORT(api, CreateEnv)(ORT_LOGGING_FATAL, "speech-lstm", &model->env), "ONNX Runtime cannot start");
  check(model, trouble, ORT(api, DisableTelemetryEvents)(model->env), "ONNX Runtime cannot start");
  check(model, trouble, ORT(api, CreateCpuMemoryInfo)(ORT_ARENA_ALLOCATOR, ORT_MEMORY_DEFAULT, &model->memory), "ONNX Runtime cannot start");
  check(model, trouble, ORT(api, CreateSessionOptions)(&options), "ONNX Runtime cannot start");
  OrtStatus *status = ORT(api, SetIntraOpNumThreads)(options, 1);
  if (!status) status = ORT(api, SetInterOpNumThreads)(options, 1);
  if (!status) status = ORT(api, SetSessionLogSeverityLevel)(options, ORT_LOGGING_FATAL);
  if (!status) status = ORT(api, CreateSessionFromArray)(model->env, content, length, options, &model->session);
  ORT(api, ReleaseSessionOptions)(options);
  check(model, trouble, status, "ONNX Runtime cannot load the model");
}

/** What the metadata say under a name, NULL for nothing. */
static const char *looked_up(speech_model *model, const OrtModelMetadata *metadata, OrtAllocator *allocator, const char *name) {
  char *value = NULL;
  OrtStatus *status = ORT(model->api, ModelMetadataLookupCustomMetadataMap)(metadata, allocator, name, &value);
  if (status) ORT(model->api, ReleaseStatus)(status);
  if (status || !value) return NULL;
  size_t length = strlen(value) + 1;
  char *copy = length < (1 << 20) ? malloc(length) : NULL; /* taken from the arena once nothing of theirs is held */
  if (copy) memcpy(copy, value, length);
  status = ORT(model->api, AllocatorFree)(allocator, value);
  if (status) ORT(model->api, ReleaseStatus)(status);
  return copy;
}

enum { FORMAT, VERSION, TOKENS, RATE, CHUNK, FRAME, TAIL, NUM_NAMES };
static const char *const NAMES[NUM_NAMES] = {"format", "format_version", "tokens", "sample_rate", "chunk_samples", "frame_seconds", "tail_seconds"};

/** The metadata as one JSON object, of which fields are read. */
static char *metadata_text(speech_model *model, const Trouble *trouble) {
  OrtModelMetadata *metadata = NULL;
  OrtAllocator *allocator = NULL;
  const char *values[NUM_NAMES] = {NULL};
  check(model, trouble, ORT(model->api, GetAllocatorWithDefaultOptions)(&allocator), "ONNX Runtime has no memory");
  check(model, trouble, ORT(model->api, SessionGetModelMetadata)(model->session, &metadata), "its metadata cannot be read");
  size_t length = 16;
  for (int i = 0; i < NUM_NAMES; i++) {
    values[i] = looked_up(model, metadata, allocator, NAMES[i]);
    if (values[i]) length += strlen(values[i]) + strlen(NAMES[i]) + 8;
  }
  ORT(model->api, ReleaseModelMetadata)(metadata);
  char *text = malloc(length), *at = text;
  bool is_ours = values[FORMAT] && !strcmp(values[FORMAT], "speech-lstm");
  if (text) *at++ = '{';
  for (int i = 0; i < NUM_NAMES; i++) {
    if (text && values[i] && i != FORMAT) at += sprintf(at, "%s\"%s\":%s", at > text + 1 ? "," : "", NAMES[i], values[i]);
    free((void *)values[i]);
  }
  if (text) strcpy(at, "}");
  if (text && is_ours) return text;
  free(text);
  fail(trouble, "%s: not a speech-lstm model (it has no such metadata); " EXPORT_AGAIN, model->path);
}

typedef struct Reading {
  speech_model *model;
  const char *path;
  const char *content;
  char *metadata;
  size_t length;
} Reading;

static void read_metadata(Reading *reading) {
  speech_model *model = reading->model;
  Arena *arena = &model->arena;
  ModelFacts *facts = &model->facts;
  reading->metadata = metadata_text(model, arena->trouble);
  Json document = json_document(arena->trouble, reading->metadata, strlen(reading->metadata), take_text(arena, "%s: its metadata are malformed", model->path));
  Fields fields = fields_of(arena, document, take_text(arena, "%s: ", model->path), EXPORT_AGAIN);
  int version = field_whole(&fields, "format_version", 1, MOST);
  if (version > FORMAT_VERSION)
    fail(arena->trouble, "%s: the model is of format %d and this library reads formats up to %d; take a newer library", model->path, version, FORMAT_VERSION);
  facts->num_tokens = field_texts(&fields, "tokens", &facts->tokens);
  facts->sample_rate = field_whole(&fields, "sample_rate", 1, MOST);
  facts->chunk_samples = field_whole(&fields, "chunk_samples", 1, MOST);
  facts->frame_seconds = field_number(&fields, "frame_seconds", 1e-3, 10);
  facts->tail_seconds = field_has(&fields, "tail_seconds") ? field_number(&fields, "tail_seconds", 0, 60) : 0.4;
  if (facts->sample_rate != SAMPLE_RATE) fail(arena->trouble, "%s: takes %d Hz; expected %d Hz", model->path, facts->sample_rate, SAMPLE_RATE);
  if (facts->num_tokens < 2) field_wrong(&fields, "tokens", "are %d, expected at least two", facts->num_tokens);
  double frames = facts->chunk_samples / round(facts->frame_seconds * facts->sample_rate);
  if (!(frames >= 1) || fabs(frames - round(frames)) > 1e-9) field_wrong(&fields, "chunk_samples", "is %d, that is %g frames and not a whole number", facts->chunk_samples, frames);
}

/** An input or output: its last dimension, or -1 unless it has that name, floats and `rank` dimensions. */
static int64_t width_of(const speech_model *model, bool is_input, size_t index, const char *wanted, size_t rank) {
  const OrtApi *api = model->api;
  OrtAllocator *allocator = NULL;
  OrtTypeInfo *type = NULL;
  const OrtTensorInfo *tensor = NULL;
  char *name = NULL;
  int element = 0;
  size_t count = 0;
  int64_t sizes[3] = {-1, -1, -1};
  OrtStatus *status = ORT(api, GetAllocatorWithDefaultOptions)(&allocator);
  if (!status) status = is_input ? ORT(api, SessionGetInputName)(model->session, index, allocator, &name) : ORT(api, SessionGetOutputName)(model->session, index, allocator, &name);
  if (!status) status = is_input ? ORT(api, SessionGetInputTypeInfo)(model->session, index, &type) : ORT(api, SessionGetOutputTypeInfo)(model->session, index, &type);
  if (!status) status = ORT(api, CastTypeInfoToTensorInfo)(type, &tensor);
  if (!status && tensor) status = ORT(api, GetTensorElementType)(tensor, &element);
  if (!status && tensor) status = ORT(api, GetDimensionsCount)(tensor, &count);
  bool fits = !status && tensor && name && !strcmp(name, wanted) && element == ORT_FLOAT && count == rank;
  if (fits) status = ORT(api, GetDimensions)(tensor, sizes, rank);
  if (type) ORT(api, ReleaseTypeInfo)(type);
  if (status) ORT(api, ReleaseStatus)(status);
  status = name ? ORT(api, AllocatorFree)(allocator, name) : NULL;
  if (status) ORT(api, ReleaseStatus)(status);
  return fits ? (sizes[rank - 1] > 0 ? sizes[rank - 1] : 0) : -1;
}

static void check_signature(speech_model *model, const Trouble *trouble) {
  size_t inputs = 0, outputs = 0;
  check(model, trouble, ORT(model->api, SessionGetInputCount)(model->session, &inputs), "its inputs cannot be read");
  check(model, trouble, ORT(model->api, SessionGetOutputCount)(model->session, &outputs), "its outputs cannot be read");
  bool fits = inputs == 2 && outputs == 2;
  int64_t state = fits ? width_of(model, true, 1, "state", 2) : -1;
  fits = fits && width_of(model, true, 0, "audio", 2) >= 0 && state > 0 && state < MOST;
  bool swapped = fits && width_of(model, false, 0, "next_state", 2) >= 0;
  fits = fits && width_of(model, false, swapped, "log_probs", 3) == model->facts.num_tokens && width_of(model, false, !swapped, "next_state", 2) == state;
  if (!fits)
    fail(trouble, "%s: the network does not fit its metadata: expected float audio [batch, samples], state and next_state [batch, state_size], "
         "log_probs [batch, frames, %d]; " EXPORT_AGAIN, model->path, model->facts.num_tokens);
  model->facts.state_size = (int)state;
}

static void read(void *argument) {
  Reading *reading = argument;
  speech_model *model = reading->model;
  const Trouble *trouble = model->arena.trouble;
  model->path = take_text(&model->arena, "%s", reading->path);
  check_sum(model, trouble, reading->content, reading->length);
  const OrtApiBase *base = OrtGetApiBase();
  model->api = base->get_api(ORT_API_VERSION);
  if (!model->api) fail(trouble, "ONNX Runtime %s does not have version %d of its API", base->version_text(), ORT_API_VERSION);
  open_session(model, trouble, reading->content, reading->length);
  read_metadata(reading);
  check_signature(model, trouble);
}

speech_model *speech_model_load(const char *path, speech_error *error) {
  size_t length = 0;
  char *content = file_content(path, &length, error);
  speech_model *model = content ? speech_model_parse(content, length, path, error) : NULL;
  free(content);
  return model;
}

speech_model *speech_model_parse(const void *content, size_t length, const char *name, speech_error *error) {
  Trouble trouble = {.error = error};
  Reading reading = {.path = name, .content = content, .length = length};
  speech_model *model = reading.model = calloc(1, sizeof *model);
  bool done = false;
  if (!model && error) snprintf(error->message, sizeof error->message, "out of memory");
  if (model) {
    model->arena.trouble = &trouble;
    done = attempt(&trouble, read, &reading);
    model->arena.trouble = NULL;
  }
  free(reading.metadata);
  if (done) return model;
  speech_model_free(model);
  return NULL;
}

void speech_model_free(speech_model *model) {
  if (!model) return;
  if (model->session) ORT(model->api, ReleaseSession)(model->session);
  if (model->memory) ORT(model->api, ReleaseMemoryInfo)(model->memory);
  if (model->env) ORT(model->api, ReleaseEnv)(model->env);
  arena_free(&model->arena);
  free(model);
}

const ModelFacts *model_facts(const speech_model *model) { return &model->facts; }

size_t speech_model_chunk_samples(const speech_model *model) { return (size_t)model->facts.chunk_samples; }

size_t speech_model_state_size(const speech_model *model) { return (size_t)model->facts.state_size; }

size_t speech_model_tokens(const speech_model *model) { return (size_t)model->facts.num_tokens; }

size_t speech_model_frames(const speech_model *model, size_t samples) {
  return samples / (size_t)lround(model->facts.frame_seconds * model->facts.sample_rate);
}

size_t speech_model_padded_samples(const speech_model *model, size_t samples) {
  size_t unit = (size_t)model->facts.chunk_samples, tail = (size_t)rint(model->facts.tail_seconds * model->facts.sample_rate);
  return (samples + tail + unit - 1) / unit * unit;
}

/** Copies what the network gave, if it has that many numbers. */
static OrtStatus *copy_out(const speech_model *model, OrtValue *value, float *to, size_t numbers, bool *fits) {
  OrtTensorInfo *info = NULL;
  int64_t sizes[3] = {1, 1, 1};
  size_t count = 0;
  void *from = NULL;
  OrtStatus *status = ORT(model->api, GetTensorTypeAndShape)(value, &info);
  if (!status) status = ORT(model->api, GetDimensionsCount)(info, &count);
  if (!status && count <= 3) status = ORT(model->api, GetDimensions)(info, sizes, count);
  if (info) ORT(model->api, ReleaseTensorTypeAndShapeInfo)(info);
  *fits = !status && count <= 3 && sizes[0] == 1 && (uint64_t)sizes[1] * (uint64_t)sizes[2] == numbers;
  if (!status && *fits) status = ORT(model->api, GetTensorMutableData)(value, &from);
  if (!status && *fits) memcpy(to, from, numbers * sizeof *to);
  return status;
}

void model_run(const speech_model *model, const Trouble *trouble, const float *audio, size_t samples, float *state, float *log_probs) {
  const OrtApi *api = model->api;
  size_t unit = speech_model_chunk_samples(model), width = speech_model_state_size(model);
  if (!samples || samples % unit) fail(trouble, "audio has %zu samples, expected a multiple of %zu", samples, unit);
  static const char *const input_names[] = {"audio", "state"}, *const output_names[] = {"log_probs", "next_state"};
  int64_t audio_shape[] = {1, (int64_t)samples}, state_shape[] = {1, (int64_t)width};
  OrtValue *inputs[2] = {NULL, NULL}, *outputs[2] = {NULL, NULL};
  bool fits = true, state_fits = true;
  /* the runtime reads its inputs and does not write them */
  OrtStatus *status = ORT(api, CreateTensorWithDataAsOrtValue)(model->memory, (void *)(uintptr_t)audio, samples * sizeof *audio, audio_shape, 2, ORT_FLOAT, &inputs[0]);
  if (!status) status = ORT(api, CreateTensorWithDataAsOrtValue)(model->memory, state, width * sizeof *state, state_shape, 2, ORT_FLOAT, &inputs[1]);
  if (!status) status = ORT(api, Run)(model->session, NULL, input_names, (const OrtValue *const *)inputs, 2, output_names, 2, outputs);
  if (!status) status = copy_out(model, outputs[0], log_probs, speech_model_frames(model, samples) * speech_model_tokens(model), &fits);
  if (!status) status = copy_out(model, outputs[1], state, width, &state_fits);
  for (int i = 0; i < 2; i++) {
    if (inputs[i]) ORT(api, ReleaseValue)(inputs[i]);
    if (outputs[i]) ORT(api, ReleaseValue)(outputs[i]);
  }
  check(model, trouble, status, "the network cannot be run");
  if (!fits || !state_fits) fail(trouble, "%s: the network gives another number of frames than its metadata say; " EXPORT_AGAIN, model->path);
}

void model_check(const speech_model *model, const speech_grammar *grammar, const Trouble *trouble) {
  const ModelFacts *own = &model->facts, *others = &grammar->model;
  bool fits = own->num_tokens == others->num_tokens && own->frame_seconds == others->frame_seconds;
  for (int i = 0; fits && i < own->num_tokens; i++) fits = !strcmp(own->tokens[i], others->tokens[i]);
  if (!fits)
    fail(trouble, "%s: it was compiled for a model with other tokens or frames; compile it again with `speech-lstm grammar compile` --model NAME",
         grammar->name);
}

typedef struct Running {
  const speech_model *model;
  const Trouble *trouble;
  const float *audio;
  size_t samples;
  float *state, *log_probs;
} Running;

static void run(void *argument) {
  const Running *r = argument;
  model_run(r->model, r->trouble, r->audio, r->samples, r->state, r->log_probs);
}

bool speech_model_run(const speech_model *model, const float *audio, size_t samples, float *state, float *log_probs, speech_error *error) {
  Trouble trouble = {.error = error};
  Running running = {.model = model, .trouble = &trouble, .audio = audio, .samples = samples, .state = state, .log_probs = log_probs};
  return attempt(&trouble, run, &running);
}
