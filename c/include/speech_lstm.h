/**
 * speech-lstm on a device: 16 kHz audio in, commands out, with ONNX Runtime and nothing else.
 *
 * A model file (.onnx) turns audio into log-probabilities of phones; a compiled grammar (.json, written by
 * `speech-lstm grammar compile`, see docs/compiled_grammar.md) says what they may mean. Models and grammars do not change
 * once they are loaded and may be shared by threads; a session or stream belongs to one thread at a time. There is no
 * global state, nothing is printed, and no input ends the program: functions return false or NULL and fill `error`.
 *
 * What callbacks get is valid until they return. All texts are UTF-8.
 */
#ifndef SPEECH_LSTM_H
#define SPEECH_LSTM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What went wrong: one line that names the file or the value and says what to do. */
typedef struct speech_error {
  char message[512];
} speech_error;

typedef struct speech_grammar speech_grammar;
typedef struct speech_model speech_model;
typedef struct speech_session speech_session;
typedef struct speech_stream speech_stream;

/* ---- results ---- */

/** A word that was said: when, in seconds, and the probability that it was. */
typedef struct speech_word {
  const char *text;
  double start, end;
  double confidence;
} speech_word;

/** A filled slot. `value`: the grammar's value as JSON; `text`: the words that filled it. */
typedef struct speech_slot {
  const char *name, *value, *text;
  double start, end;
  double confidence;
} speech_slot;

/** Another command that the audio may hold. `intent` is NULL where the grammar names none. */
typedef struct speech_alternative {
  const char *text;
  double confidence;
  const char *intent;
  const speech_slot *slots;
  size_t num_slots;
} speech_alternative;

/** What an utterance holds. `text` is the closest command even when it is not accepted, "" where there is none. */
typedef struct speech_result {
  const char *text;
  double confidence;
  bool accepted;
  const char *intent;
  const speech_slot *slots;
  size_t num_slots;
  const speech_word *words;
  size_t num_words;
  const speech_alternative *alternatives;
  size_t num_alternatives;
  double start, end;
} speech_result;

typedef void speech_on_result(void *user, const speech_result *result);

/**
 * A result as one line of JSON without a line end, the same as Python's `Result.to_dict()`. Like snprintf: writes at most
 * `size` bytes, the last one 0, and returns the length of the whole line.
 */
size_t speech_result_json(const speech_result *result, char *buffer, size_t size);

/* ---- grammars ---- */

/** Reads and checks a compiled grammar; NULL for a file that is missing or wrong in any field. */
speech_grammar *speech_grammar_load(const char *path, speech_error *error);

/** The same from memory; `name` is what errors call it. The text is not needed afterwards. */
speech_grammar *speech_grammar_parse(const char *text, size_t length, const char *name, speech_error *error);

void speech_grammar_free(speech_grammar *grammar);

/** Numbers in a frame of log-probabilities; seconds that a frame stands for. */
size_t speech_grammar_tokens(const speech_grammar *grammar);
double speech_grammar_frame_seconds(const speech_grammar *grammar);

/** Whether it holds wake words. */
bool speech_grammar_has_wake_words(const speech_grammar *grammar);

/**
 * The command in what a model made of a whole clip: float [frames * tokens], the silence after the clip among them.
 * `seconds`: of the clip itself, no time is after it. `alternatives`: other commands that a result holds at most; 2 is usual.
 */
bool speech_decode(const speech_grammar *grammar, const float *log_probs, size_t frames, double seconds, size_t alternatives,
                   speech_on_result *on_result, void *user, speech_error *error);

/* ---- models ---- */

/** Loads a model file and checks it whole (checksum, metadata, signature). It runs on one thread, that of the caller. */
speech_model *speech_model_load(const char *path, speech_error *error);

void speech_model_free(speech_model *model);

/** The model takes multiples of so many samples; `state` holds so many floats, zeros at first; tokens of a frame. */
size_t speech_model_chunk_samples(const speech_model *model);
size_t speech_model_state_size(const speech_model *model);
size_t speech_model_tokens(const speech_model *model);

/** Frames of log-probabilities for that many samples, a multiple of the chunk. */
size_t speech_model_frames(const speech_model *model, size_t samples);

/** Samples of a clip with the silence that the model needs after it, in whole chunks. */
size_t speech_model_padded_samples(const speech_model *model, size_t samples);

/**
 * One step. audio: [samples], -1..1, 16 kHz, a multiple of the chunk. state: [state size], replaced by the next one.
 * log_probs: [frames * tokens], filled.
 */
bool speech_model_run(const speech_model *model, const float *audio, size_t samples, float *state, float *log_probs,
                      speech_error *error);

/** The command in a whole clip, -1..1, 16 kHz; a wake word is not needed. The two must fit together. */
bool speech_recognize(const speech_model *model, const speech_grammar *grammar, const float *audio, size_t samples,
                      size_t alternatives, speech_on_result *on_result, void *user, speech_error *error);

/** int16 samples to what models take, -1..1. */
void speech_from_int16(const int16_t *samples, size_t count, float *audio);

#ifdef __cplusplus
}
#endif

#endif
