#include "preroll.h"

#include <string.h>

void preroll_begin(Preroll *recent, Arena *arena, int most, size_t tokens) {
  *recent = (Preroll){.tokens = tokens, .most = most};
  recent->frames = take(arena, (size_t)most * tokens, sizeof(float));
  recent->phones = TAKE(arena, most, bool);
}

void preroll_append(Preroll *recent, const float *frame, bool phone) {
  preroll_keep(recent, recent->most - 1);
  memcpy(recent->frames + (size_t)recent->count * recent->tokens, frame, recent->tokens * sizeof *frame);
  recent->phones[recent->count++] = phone;
}

void preroll_keep(Preroll *recent, int64_t newest) {
  if (recent->count <= newest) return;
  int drop = recent->count - (int)newest;
  memmove(recent->frames, recent->frames + (size_t)drop * recent->tokens, (size_t)newest * recent->tokens * sizeof(float));
  memmove(recent->phones, recent->phones + drop, (size_t)newest * sizeof(bool));
  recent->count = (int)newest;
}

int preroll_phones(const Preroll *recent, int64_t newest) {
  int phones = 0;
  for (int i = newest < recent->count ? recent->count - (int)newest : 0; i < recent->count; i++) phones += recent->phones[i];
  return phones;
}
