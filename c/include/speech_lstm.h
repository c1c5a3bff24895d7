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

/**
 * The same from memory; `name` is what errors call it. A byte 0 must follow
 * the text, which is not needed afterwards.
 */
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

/**
 * Loads a model file and checks it whole (checksum, metadata, signature). It runs on one thread, that of the caller. Sets
 * ORT_DISABLE_TELEMETRY=1 in the environment of the process, without which ONNX Runtime 1.29 and later reports its use to its
 * maker; a program that starts ONNX Runtime itself before must do so.
 */
speech_model *speech_model_load(const char *path, speech_error *error);

/** The same from memory; a byte 0 must follow the content, which is not needed afterwards. */
speech_model *speech_model_parse(const void *content, size_t length, const char *name, speech_error *error);

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

/* ---- streams ---- */

typedef enum speech_event_kind {
  SPEECH_WAKE_WORD, /* a wake word was said, now a command is waited for: text, confidence */
  SPEECH_STARTED,   /* somebody began to speak */
  SPEECH_PARTIAL,   /* the words of a command so far: text */
  SPEECH_COMMAND,   /* a command was recognised: result */
  SPEECH_REJECTED,  /* something was said that is not a command; result holds the closest one */
  SPEECH_TIMEOUT    /* no command came: text is "leading" (nobody spoke) or "total" (speech did not end) */
} speech_event_kind;

/** Something that happened in a stream; `time`: seconds of audio that were heard by then. Other fields are 0 where unused. */
typedef struct speech_event {
  speech_event_kind kind;
  double time;
  const char *text;
  double confidence;
  const speech_result *result;
} speech_event;

typedef void speech_on_event(void *user, const speech_event *event);

/** An event as a line of JSON, the same as Python's `Event.to_dict()`; see `speech_result_json`. */
size_t speech_event_json(const speech_event *event, char *buffer, size_t size);

/** When a session starts and stops to listen, in seconds but for the last four; docs/ and Python's `SessionOptions` tell more. */
typedef struct speech_options {
  double confirm_seconds;   /* silence or other speech after a sentence that no longer one can follow */
  double pause_seconds;     /* the same after one which could go on; silence that ends speech which is no sentence */
  double leading_seconds;   /* silence after the wake word until the session gives up */
  double total_seconds;     /* longest command */
  double wake_tail_seconds; /* how long the last sound of the wake word may go on */
  double release_seconds;   /* how much longer to listen when the button is released */
  double preroll_seconds;   /* audio before the detected start of speech that belongs to the command */
  double partial_seconds;   /* least time between SPEECH_PARTIAL events */
  int speech_frames;        /* frames with a phone, within preroll_seconds, that make speech */
  int alternatives;         /* other commands that a result holds at most */
  bool partials;            /* whether to report the words so far */
  bool push_to_talk;        /* listen only between press and release */
  bool wake_words;          /* wait for the wake words of the grammar, if it has any */
} speech_options;

speech_options speech_default_options(void);

/** Hears log-probabilities, tells events. The grammar must stay. NULL for options out of range. */
speech_session *speech_session_new(const speech_grammar *grammar, const speech_options *options, speech_error *error);

void speech_session_free(speech_session *session);

/** The next frames of the stream, float [frames * tokens]. After an error the session can only be freed. */
bool speech_session_advance(speech_session *session, const float *log_probs, size_t frames, speech_on_event *on_event, void *user,
                            speech_error *error);

/** The button: listen for a command now, without a wake word; decide shortly. */
void speech_session_press(speech_session *session);
void speech_session_release(speech_session *session);

/** There is no audio after that time; frames beyond it are padding, and no time is later. */
void speech_session_end_at(speech_session *session, double seconds);

/** The audio has ended: decides about what was said so far. */
bool speech_session_finish(speech_session *session, speech_on_event *on_event, void *user, speech_error *error);

/**
 * A session that hears audio. Model and grammar must stay. `block_seconds`: audio that the model gets at a time, and up to four times
 * as much while no command can be over soon, eight in silence; 0.08 is usual; longer is cheaper and answers later. How the audio is cut
 * into calls changes nothing but when events come.
 */
speech_stream *speech_stream_new(const speech_model *model, const speech_grammar *grammar, const speech_options *options,
                                 double block_seconds, speech_error *error);

void speech_stream_free(speech_stream *stream);

/** Audio of any length, -1..1, 16 kHz. After an error the stream can only be freed. */
bool speech_stream_accept(speech_stream *stream, const float *audio, size_t samples, speech_on_event *on_event, void *user,
                          speech_error *error);

void speech_stream_press(speech_stream *stream);
void speech_stream_release(speech_stream *stream);

/** The audio is over: hears a little silence after it and decides. The stream can only be freed then. */
bool speech_stream_finish(speech_stream *stream, speech_on_event *on_event, void *user, speech_error *error);

#ifdef __cplusplus
}
#endif

#endif
