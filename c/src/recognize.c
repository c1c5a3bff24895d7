/** A whole clip of audio through the model and the decoder. */
#include <math.h>
#include <string.h>

#include "model.h"

/** Audio that the model gets at a time. */
static const double BLOCK_SECONDS = 10;

/** Peak to which quiet sound is lifted, by 40 dB at most (runtime/audio/levels.py). */
static const double TARGET = 0.15, MOST_GAIN = 100;

typedef struct Recognizing {
  Arena arena;
  const speech_model *model;
  const speech_grammar *grammar;
  const float *audio;
  size_t samples, frames;
  float *log_probs;
} Recognizing;

/** What lifts a quiet clip. Its peak is half the distance between its samples, so that an offset does not count. */
static float gain_for(const float *audio, size_t samples) {
  float lowest = audio[0], highest = audio[0];
  for (size_t i = 1; i < samples; i++) {
    lowest = fminf(lowest, audio[i]);
    highest = fmaxf(highest, audio[i]);
  }
  double peak = (double)(highest - lowest) / 2;
  return peak > 0 && peak < TARGET ? (float)fmin(MOST_GAIN, TARGET / peak) : 1;
}

static void hear(void *argument) {
  Recognizing *r = argument;
  const Trouble *trouble = r->arena.trouble;
  const ModelFacts *facts = model_facts(r->model);
  model_check(r->model, r->grammar, trouble);
  if (!r->samples) fail(trouble, "there are no samples; expected some audio");
  for (size_t i = 0; i < r->samples; i++)
    if (!isfinite(r->audio[i])) fail(trouble, "audio has NaN or infinity at sample %zu", i);
  size_t padded = speech_model_padded_samples(r->model, r->samples);
  r->frames = speech_model_frames(r->model, padded);
  r->log_probs = TAKE(&r->arena, r->frames * (size_t)facts->num_tokens, float);
  float *state = TAKE(&r->arena, facts->state_size, float);
  size_t unit = (size_t)facts->chunk_samples, block = (size_t)lround(BLOCK_SECONDS * facts->sample_rate / facts->chunk_samples) * unit;
  float *audio = TAKE(&r->arena, block < padded ? block : padded, float);
  float *log_probs = r->log_probs, gain = gain_for(r->audio, r->samples);
  for (size_t begin = 0; begin < padded; begin += block) {
    size_t count = padded - begin < block ? padded - begin : block;
    size_t given = begin >= r->samples ? 0 : r->samples - begin < count ? r->samples - begin : count;
    for (size_t i = 0; i < given; i++) audio[i] = gain * r->audio[begin + i];
    memset(audio + given, 0, (count - given) * sizeof *audio);
    model_run(r->model, trouble, audio, count, state, log_probs);
    log_probs += speech_model_frames(r->model, count) * (size_t)facts->num_tokens;
  }
}

bool speech_recognize(const speech_model *model, const speech_grammar *grammar, const float *audio, size_t samples,
                      size_t alternatives, speech_on_result *on_result, void *user, speech_error *error) {
  Trouble trouble = {.error = error};
  Recognizing r = {.arena = {.trouble = &trouble}, .model = model, .grammar = grammar, .audio = audio, .samples = samples};
  bool done = attempt(&trouble, hear, &r);
  double seconds = (double)samples / model_facts(model)->sample_rate;
  done = done && speech_decode(grammar, r.log_probs, r.frames, seconds, alternatives, on_result, user, error);
  arena_free(&r.arena);
  return done;
}
