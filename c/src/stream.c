/** Audio of any length in, events out (runtime/live/stream.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "noise.h"
#include "session.h"

struct speech_stream {
  Arena arena;
  const speech_model *model;
  const speech_grammar *grammar;
  speech_session *session;
  double block_seconds;
  size_t block, waiting, frames; /* samples; frames of a block */
  Noise noise;
  int listened; /* blocks of the audio that the noise has had, up to the first with a sound */
  bool is_sound; /* whether there is one */
  uint64_t heard;
  float *audio;     /* [MOST_BLOCKS blocks] */
  float *state;
  float *log_probs; /* of as many */
};

/** How many blocks of what waits are heard at once, which may be more than there are yet. */
static int blocks_of(speech_stream *stream) {
  int most, few = session_blocks(stream->session, stream->frames, &most);
  if (few == most) {
    noise_forget(&stream->noise);
    return most;
  }
  int whole = (int)(stream->waiting / stream->block);
  while (!stream->is_sound && stream->listened < (whole < most ? whole : most)) {
    stream->is_sound = noise_is_under(&stream->noise, stream->audio + (size_t)stream->listened * stream->block, stream->block);
    stream->listened++;
  }
  if (!stream->is_sound) return most;
  return stream->listened > few ? stream->listened : few;
}

static void start(void *argument) {
  speech_stream *stream = argument;
  const ModelFacts *facts = model_facts(stream->model);
  model_check(stream->model, stream->grammar, stream->arena.trouble);
  if (!(stream->block_seconds > 0 && stream->block_seconds <= 60))
    fail(stream->arena.trouble, "block_seconds is %g, expected more than 0 and at most 60", stream->block_seconds);
  double chunks = fmax(1, rint(stream->block_seconds * facts->sample_rate / facts->chunk_samples)); /* that the model takes */
  stream->block = (size_t)chunks * (size_t)facts->chunk_samples;
  stream->frames = speech_model_frames(stream->model, stream->block);
  stream->audio = TAKE(&stream->arena, MOST_BLOCKS * stream->block, float);
  stream->state = TAKE(&stream->arena, facts->state_size, float);
  noise_forget(&stream->noise);
  stream->log_probs = TAKE(&stream->arena, MOST_BLOCKS * stream->frames * (size_t)facts->num_tokens, float);
}

speech_stream *speech_stream_new(const speech_model *model, const speech_grammar *grammar, const speech_options *options,
                                 double block_seconds, speech_error *error) {
  Trouble trouble = {.error = error};
  speech_stream *stream = calloc(1, sizeof *stream);
  if (!stream && error) snprintf(error->message, sizeof error->message, "out of memory");
  if (!stream) return NULL;
  stream->model = model;
  stream->grammar = grammar;
  stream->block_seconds = block_seconds;
  stream->arena.trouble = &trouble;
  if (attempt(&trouble, start, stream)) stream->session = speech_session_new(grammar, options, error);
  stream->arena.trouble = NULL;
  if (stream->session) return stream;
  speech_stream_free(stream);
  return NULL;
}

void speech_stream_free(speech_stream *stream) {
  if (!stream) return;
  speech_session_free(stream->session);
  arena_free(&stream->arena);
  free(stream);
}

/** Hears the first blocks of what waits. */
static bool hear(speech_stream *stream, int blocks, speech_on_event *on_event, void *user, speech_error *error) {
  size_t samples = (size_t)blocks * stream->block;
  if (!speech_model_run(stream->model, stream->audio, samples, stream->state, stream->log_probs, error)) return false;
  stream->waiting -= samples;
  stream->listened = 0;
  stream->is_sound = false;
  memmove(stream->audio, stream->audio + samples, stream->waiting * sizeof *stream->audio);
  return speech_session_advance(stream->session, stream->log_probs, (size_t)blocks * stream->frames, on_event, user, error);
}

/** Hears samples, or silence after the last ones where `audio` is NULL: several blocks at once while no command can be over soon. */
static bool accept(speech_stream *stream, const float *audio, size_t samples, speech_on_event *on_event, void *user, speech_error *error) {
  for (;;) {
    int blocks = blocks_of(stream);
    bool is_end = !audio && samples + stream->waiting < (size_t)blocks * stream->block;
    size_t size = (size_t)(is_end ? 1 : blocks) * stream->block;
    if (stream->waiting >= size) {
      if (!hear(stream, (int)(size / stream->block), on_event, user, error)) return false;
      continue;
    }
    if (!samples) return true;
    size_t count = stream->block - stream->waiting % stream->block; /* to the end of a block, which may have a sound */
    if (count > samples) count = samples;
    float *to = stream->audio + stream->waiting;
    if (audio) memcpy(to, audio, count * sizeof *to);
    else memset(to, 0, count * sizeof *to);
    stream->waiting += count;
    samples -= count;
    if (audio) audio += count;
  }
}

bool speech_stream_accept(speech_stream *stream, const float *audio, size_t samples, speech_on_event *on_event, void *user,
                          speech_error *error) {
  for (size_t i = 0; i < samples; i++) {
    if (isfinite(audio[i])) continue;
    if (error) snprintf(error->message, sizeof error->message, "audio has NaN or infinity at sample %zu", i);
    return false;
  }
  stream->heard += samples;
  return accept(stream, audio, samples, on_event, user, error);
}

void speech_stream_press(speech_stream *stream) { speech_session_press(stream->session); }

void speech_stream_release(speech_stream *stream) {
  session_release(stream->session, stream->waiting * stream->frames / stream->block);
}

bool speech_stream_finish(speech_stream *stream, speech_on_event *on_event, void *user, speech_error *error) {
  const ModelFacts *facts = model_facts(stream->model);
  speech_session_end_at(stream->session, (double)stream->heard / facts->sample_rate);
  size_t tail = (size_t)rint(facts->tail_seconds * facts->sample_rate), last = (stream->waiting + tail) % stream->block;
  size_t silence = tail + (last ? stream->block - last : 0);
  return accept(stream, NULL, silence, on_event, user, error) && speech_session_finish(stream->session, on_event, user, error);
}
