/** The command in a whole clip (Recognizer.recognize and Recognizer.decode). */
#include "interpreter.h"

typedef struct Clip {
  Arena arena;
  const speech_grammar *grammar;
  const float *log_probs;
  size_t frames, alternatives;
  double seconds;
  speech_on_result *on_result;
  void *user;
} Clip;

static void decode(void *argument) {
  Clip *clip = argument;
  Arena *arena = &clip->arena;
  if (clip->frames > (size_t)MOST) fail(arena->trouble, "the clip has %zu frames, expected at most %d", clip->frames, MOST);
  Decoding *state = TAKE(arena, 1, Decoding);
  decoding_begin(state, arena, &clip->grammar->decoder, (int)clip->frames);
  size_t tokens = (size_t)clip->grammar->model.num_tokens;
  for (size_t frame = 0; frame < clip->frames; frame++) decoding_follow(state, clip->log_probs + frame * tokens);
  int others = clip->alternatives < 100 ? (int)clip->alternatives : 100;
  Decision decision = interpreter_decide(clip->grammar, clip->grammar->accept, arena, state, others, 0, clip->seconds);
  clip->on_result(clip->user, &decision.result);
}

bool speech_decode(const speech_grammar *grammar, const float *log_probs, size_t frames, double seconds, size_t alternatives,
                   speech_on_result *on_result, void *user, speech_error *error) {
  Trouble trouble = {.error = error};
  Clip clip = {.arena = {.trouble = &trouble}, .grammar = grammar, .log_probs = log_probs, .frames = frames,
               .alternatives = alternatives, .seconds = seconds, .on_result = on_result, .user = user};
  bool done = attempt(&trouble, decode, &clip);
  arena_free(&clip.arena);
  return done;
}

void speech_from_int16(const int16_t *samples, size_t count, float *audio) {
  for (size_t i = 0; i < count; i++) audio[i] = (float)samples[i] * (1.0F / 32768);
}
