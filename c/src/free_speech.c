#include "free_speech.h"

#include <string.h>

static const double LEAST = 1e-30;

FreeSpeechForward free_speech_begin(Arena *arena, const FreeSpeech *speech) {
  int size = 2 * speech->phones + 1;
  FreeSpeechForward forward = {.speech = speech, .state = TAKE(arena, size, float), .next = TAKE(arena, speech->phones, float)};
  free_speech_reset(&forward);
  return forward;
}

void free_speech_reset(FreeSpeechForward *forward) {
  int size = 2 * forward->speech->phones + 1;
  memset(forward->state, 0, (size_t)size * sizeof(float));
  forward->state[size - 1] = 1;
}

double free_speech_advance(FreeSpeechForward *forward, const float *probs) {
  int n = forward->speech->phones;
  float *state = forward->state, *next = forward->next;
  const float *start = forward->speech->start, *move = forward->speech->move;
  for (int to = 0; to < n; to++) next[to] = state[2 * n] * start[to];
  for (int from = 0; from < n; from++) {
    const float *row = move + (size_t)from * (size_t)n;
    float both = state[from] + state[n + from];
    for (int to = 0; to < n; to++) next[to] += both * row[to];
    /* a phone after itself needs a blank: without one it is the same one going on */
    next[from] += state[from] * (1 - row[from]);
  }
  double total = 0;
  for (int i = 0; i < n; i++) {
    state[n + i] = (state[n + i] + state[i]) * probs[0];
    state[i] = next[i] * probs[1 + i];
    total += (double)state[i] + (double)state[n + i];
  }
  state[2 * n] *= probs[0];
  total += (double)state[2 * n];
  if (!(total > 0)) {
    total = LEAST;
    for (int i = 0; i <= 2 * n; i++) state[i] += (float)(LEAST / (2 * n + 1));
  }
  for (int i = 0; i <= 2 * n; i++) state[i] = (float)((double)state[i] / total);
  return total;
}

void free_speech_rest(FreeSpeechForward *forward) {
  int n = forward->speech->phones;
  for (int i = 0; i < n; i++) {
    forward->state[n + i] += forward->state[i];
    forward->state[i] = 0;
  }
}

double free_speech_probability(const FreeSpeech *speech, const int *tokens, int count) {
  double pairs = 1;
  for (int i = 1; i < count; i++) pairs *= (double)speech->move[(size_t)(tokens[i - 1] - 1) * (size_t)speech->phones + (size_t)(tokens[i] - 1)];
  return (double)speech->often[tokens[0] - 1] * pairs;
}
