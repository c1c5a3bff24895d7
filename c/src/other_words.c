#include "other_words.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
  NEAREST = 100,    /* words that one is set against */
  MOST_PHONES = 31, /* of a word that is set against others */
};

bool vocabulary_read(Vocabulary *vocabulary, Arena *arena, const char *codes, int num_tokens) {
  size_t length = strlen(codes);
  int count = 1, place = 0;
  for (size_t i = 0; i < length; i++) count += codes[i] == ' ';
  unsigned char *tokens = TAKE(arena, length + 1, unsigned char);
  int *first = TAKE(arena, count + 1, int);
  *vocabulary = (Vocabulary){.tokens = tokens, .first = first, .count = count};
  for (int way = 0; way < count; way++) {
    first[way] = place;
    for (; *codes && *codes != ' '; codes++) {
      int token = (unsigned char)*codes - 'A' + 1;
      if (token < 1 || token >= num_tokens) return false;
      tokens[place++] = (unsigned char)token;
    }
    if (place == first[way]) return false;
    if (place - first[way] > vocabulary->longest) vocabulary->longest = place - first[way];
    codes += *codes == ' ';
  }
  first[count] = place;
  return true;
}

void vocabulary_serve(Vocabulary *vocabulary, Arena *arena, const Speller *speller) {
  vocabulary->nearest = TAKE(arena, speller->num_ways, _Atomic(int *));
  vocabulary->num_nearest = speller->num_ways;
}

void vocabulary_free(Vocabulary *vocabulary) {
  for (int i = 0; i < vocabulary->num_nearest; i++) free(atomic_load(&vocabulary->nearest[i]));
}

/** Edit distance of tokens to the pattern that has bit i of `at`[token] where its phone i is that token (Myers 1999). */
static int distance(const uint32_t *at, int phones, const unsigned char *tokens, int count) {
  uint32_t higher = UINT32_MAX, lower = 0, last = UINT32_C(1) << (phones - 1);
  int found = phones;
  for (int i = 0; i < count; i++) {
    uint32_t equal = at[tokens[i]], vertical = equal | lower;
    uint32_t across = (((equal & higher) + higher) ^ higher) | equal;
    uint32_t more = lower | ~(across | higher), less = higher & across;
    found += ((more & last) != 0) - ((less & last) != 0);
    more = more << 1 | 1;
    higher = less << 1 | ~(vertical | more);
    lower = more & vertical;
  }
  return found;
}

/** Score of the best path through the rows of a place of what stands before it, a way and what stands after it. */
static double best_path(Arena *arena, const Place *place, const int *way, int count) {
  Mark mark = arena_mark(arena);
  int *labels = TAKE(arena, 2 * (count + 2) + 1, int), states = 1;
  for (int i = -1; i <= count; i++) {
    int token = i < 0 ? place->before : i < count ? way[i] : place->after;
    if (!token) continue;
    labels[states] = token;
    states += 2;
  }
  double *path = TAKE(arena, states, double);
  const float *row = record_row(place->record, place->begin);
  for (int state = 0; state < states; state++) path[state] = state < 2 ? (double)row[labels[state]] : -HUGE_VAL;
  for (int at = place->begin + 1; at < place->end; at++) {
    row = record_row(place->record, at);
    for (int state = states - 1; state >= 0; state--) {
      double best = path[state];
      if (state > 0) best = fmax(best, path[state - 1]);
      if (state > 2 && state % 2 && labels[state] != labels[state - 2]) best = fmax(best, path[state - 2]);
      path[state] = best + (double)row[labels[state]];
    }
  }
  double best = fmax(path[states - 1], path[states - 2]);
  arena_release(arena, mark);
  return best;
}

static bool same_phones(const Way *way, const unsigned char *tokens, int count) {
  int same = 0;
  while (same < count && same < way->phones.count && way->phones.values[same] == tokens[same]) same++;
  return same == count && same == way->phones.count;
}

static bool is_own(const Speller *speller, int word, const unsigned char *tokens, int count) {
  for (int i = 0; i < speller->num_ways; i++)
    if (speller->ways[i].word == word && same_phones(&speller->ways[i], tokens, count)) return true;
  return false;
}

/** The nearest words to a way, the more frequent ones first where they are as near; their numbers, then -1. */
static void find_nearest(const Vocabulary *vocabulary, const Speller *speller, Arena *arena, const Way *way, int *nearest) {
  Mark mark = arena_mark(arena);
  uint32_t at[UINT8_MAX + 1] = {0}; /* [token]: bit i where phone i is it */
  for (int i = 0; i < way->phones.count; i++) at[way->phones.values[i] & UINT8_MAX] |= UINT32_C(1) << i;
  unsigned char *distances = TAKE(arena, vocabulary->count, unsigned char);
  for (int i = 0; i < vocabulary->count; i++) {
    const unsigned char *tokens = vocabulary->tokens + vocabulary->first[i];
    int far = distance(at, way->phones.count, tokens, vocabulary->first[i + 1] - vocabulary->first[i]);
    distances[i] = (unsigned char)(far < UINT8_MAX ? far : UINT8_MAX);
  }
  int found = 0;
  for (int far = 0; far <= UINT8_MAX && found < NEAREST; far++)
    for (int i = 0; i < vocabulary->count && found < NEAREST; i++) {
      const unsigned char *tokens = vocabulary->tokens + vocabulary->first[i];
      if (distances[i] == far && !is_own(speller, way->word, tokens, vocabulary->first[i + 1] - vocabulary->first[i])) nearest[found++] = i;
    }
  nearest[found] = -1;
  arena_release(arena, mark);
}

/** Found once for each way of the grammar; threads that ask at the same time keep what the first one found. */
static const int *nearest_of(const Vocabulary *vocabulary, const Speller *speller, Arena *arena, const Way *way) {
  _Atomic(int *) *kept = &vocabulary->nearest[way - speller->ways];
  int *nearest = atomic_load(kept), *before = NULL;
  if (nearest) return nearest;
  nearest = malloc((NEAREST + 1) * sizeof *nearest);
  if (!nearest) fail(arena->trouble, "out of memory");
  find_nearest(vocabulary, speller, arena, way, nearest);
  if (atomic_compare_exchange_strong(kept, &before, nearest)) return nearest;
  free(nearest);
  return before;
}

double other_words_lead(const Vocabulary *vocabulary, const Speller *speller, Arena *arena, int word, const int *phones, int count, Place place) {
  if (!vocabulary->count || count > MOST_PHONES) return MOST_LEAD;
  Mark mark = arena_mark(arena);
  double own = -HUGE_VAL, other = -HUGE_VAL;
  const Way *heard = NULL;
  for (int i = 0; i < speller->num_ways; i++) {
    const Way *way = &speller->ways[i];
    if (way->word != word) continue;
    own = fmax(own, best_path(arena, &place, way->phones.values, way->phones.count));
    if (way->phones.count == count && !memcmp(way->phones.values, phones, (size_t)count * sizeof *phones)) heard = way;
  }
  if (!heard) fail(arena->trouble, "a word was heard as it cannot be said; compile the grammar again");
  int *tokens = TAKE(arena, vocabulary->longest, int);
  for (const int *nearest = nearest_of(vocabulary, speller, arena, heard); *nearest >= 0; nearest++) {
    int first = vocabulary->first[*nearest], length = vocabulary->first[*nearest + 1] - first;
    for (int i = 0; i < length; i++) tokens[i] = vocabulary->tokens[first + i];
    other = fmax(other, best_path(arena, &place, tokens, length));
  }
  arena_release(arena, mark);
  return fmin(MOST_LEAD, fmax(LEAST_LEAD, own - other));
}
