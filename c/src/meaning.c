#include "meaning.h"

#include <string.h>

/** The arcs that spell words, the first of several ways; NULL when there is none. Every node and position is tried once. */
static const int *first_path(const Sentences *graph, Arena *arena, const int *words, int count, int *length) {
  size_t positions = (size_t)count + 1;
  unsigned char *tried = take(arena, (size_t)graph->nodes * positions / 8 + 1, 1);
  int room = 64, depth = 0;
  int *path = TAKE(arena, room, int), *next = TAKE(arena, room, int), *nodes = TAKE(arena, room, int), *at = TAKE(arena, room, int);
  nodes[0] = graph->start;
  next[0] = graph->first[graph->start];
  for (;;) {
    int node = nodes[depth], position = at[depth];
    if (position == count && graph->finals[node]) {
      *length = depth;
      return path;
    }
    bool goes_on = false;
    while (!goes_on && next[depth] < graph->first[node + 1]) {
      int arc = graph->order[next[depth]++], word = graph->word[arc];
      if (word >= 0 && (position == count || word != words[position])) continue;
      int after = position + (word >= 0), target = graph->target[arc];
      size_t place = (size_t)target * positions + (size_t)after;
      if (tried[place / 8] >> place % 8 & 1) continue;
      tried[place / 8] |= (unsigned char)(1U << place % 8);
      if (depth + 1 == room) {
        size_t old = (size_t)room, more = 2 * old;
        path = take_longer(arena, path, old, more, sizeof(int));
        next = take_longer(arena, next, old, more, sizeof(int));
        nodes = take_longer(arena, nodes, old, more, sizeof(int));
        at = take_longer(arena, at, old, more, sizeof(int));
        room *= 2;
      }
      path[depth++] = arc;
      nodes[depth] = target;
      at[depth] = after;
      next[depth] = graph->first[target];
      goes_on = true;
    }
    if (!goes_on && depth-- == 0) return NULL;
  }
}

Interpretation meaning_of(const Sentences *sentences, Arena *arena, const int *words, int count) {
  int length = 0;
  const int *path = first_path(sentences, arena, words, count, &length);
  if (!path) fail(arena->trouble, "the grammar has no such sentence: its graphs do not fit together; compile it again");
  SlotSpan *slots = TAKE(arena, length, SlotSpan), *begun = TAKE(arena, length, SlotSpan);
  Interpretation found = {.slots = slots};
  int num_begun = 0, position = 0;
  for (int i = 0; i < length; i++) {
    if (sentences->word[path[i]] >= 0) position++;
    if (sentences->meaning[path[i]] < 0) continue;
    const Meaning *meaning = &sentences->meanings[sentences->meaning[path[i]]];
    if (meaning->intent) {
      found.intent = meaning->intent;
      continue;
    }
    int open = num_begun - 1;
    while (open >= 0 && (!begun[open].name || strcmp(begun[open].name, meaning->slot))) open--;
    if (!meaning->value) {
      if (open < 0) open = num_begun++;
      begun[open] = (SlotSpan){.name = meaning->slot, .first_word = position};
      continue;
    }
    SlotSpan *slot = &slots[found.num_slots++];
    *slot = (SlotSpan){.name = meaning->slot, .value = meaning->value, .first_word = 0, .last_word = count - 1};
    if (open < 0) continue;
    slot->first_word = begun[open].first_word;
    slot->last_word = position - 1;
    begun[open].name = NULL;
  }
  return found;
}
