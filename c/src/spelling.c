#include "spelling.h"

#include <stdlib.h>
#include <string.h>

/** As texts are compared: by the first difference, then by length. */
static int compare_phones(Tokens a, Tokens b) {
  int shared = a.count < b.count ? a.count : b.count;
  for (int i = 0; i < shared; i++)
    if (a.values[i] != b.values[i]) return a.values[i] < b.values[i] ? -1 : 1;
  return (a.count > b.count) - (a.count < b.count);
}

static int by_phones(const void *a, const void *b) {
  const Way *first = a, *second = b;
  int order = compare_phones(first->phones, second->phones);
  return order ? order : (first->number > second->number) - (first->number < second->number);
}

static int by_source_and_word(const void *a, const void *b) {
  const SpellingArc *first = a, *second = b;
  if (first->source != second->source) return first->source < second->source ? -1 : 1;
  if (first->word != second->word) return first->word < second->word ? -1 : 1;
  return (first->number > second->number) - (first->number < second->number);
}

static void sort_ways(Speller *speller, Arena *arena, const Ways *said, int words, bool backwards) {
  int count = 0;
  for (int word = 0; word < words; word++) count += said[word].count;
  Way *ways = TAKE(arena, count, Way);
  for (int word = 0, number = 0; word < words; word++)
    for (int i = 0; i < said[word].count; i++, number++) {
      Tokens phones = said[word].values[i];
      if (backwards) {
        int *reversed = TAKE(arena, phones.count, int);
        for (int at = 0; at < phones.count; at++) reversed[at] = phones.values[phones.count - 1 - at];
        phones.values = reversed;
      }
      ways[number] = (Way){.phones = phones, .word = word, .number = number};
      if (phones.count > speller->longest) speller->longest = phones.count;
    }
  if (count) qsort(ways, (size_t)count, sizeof *ways, by_phones);
  speller->ways = ways;
  speller->num_ways = count;
}

Speller speller_of(Arena *arena, const Ways *said, int words, SpellingArc *arcs, int num_arcs, int nodes, int start, const bool *finals) {
  Speller speller = {.nodes = nodes, .start = start, .finals = finals, .arcs = arcs};
  if (num_arcs) qsort(arcs, (size_t)num_arcs, sizeof *arcs, by_source_and_word);
  int *first = TAKE(arena, nodes + 1, int);
  for (int i = 0; i < num_arcs; i++) first[arcs[i].source + 1]++;
  for (int node = 0; node < nodes; node++) first[node + 1] += first[node];
  speller.first = first;
  sort_ways(&speller, arena, said, words, false);
  return speller;
}

Speller speller_backwards(Arena *arena, const Ways *said, int words) {
  Speller speller = {.any_order = true, .nodes = 1};
  bool *finals = TAKE(arena, 1, bool);
  finals[0] = true;
  speller.finals = finals;
  sort_ways(&speller, arena, said, words, true);
  return speller;
}

/** The first arc from a node with a word, or NULL; *count: how many. */
static const SpellingArc *arcs_of(const Speller *speller, int node, int word, int *count) {
  int low = speller->first[node], end = speller->first[node + 1], high = end;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (speller->arcs[middle].word < word) low = middle + 1;
    else high = middle;
  }
  for (high = low; high < end && speller->arcs[high].word == word;) high++;
  *count = high - low;
  return speller->arcs + low;
}

static bool may_follow(const Speller *speller, int node, int word) {
  int count = 1;
  if (!speller->any_order) arcs_of(speller, node, word, &count);
  return count > 0;
}

/** The number of the first way that is not before some phones. */
static int first_way(const Speller *speller, Tokens phones) {
  int low = 0, high = speller->num_ways;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (compare_phones(speller->ways[middle].phones, phones) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a word that may follow a node begins with phones; longer: and has more. */
static bool may_begin(const Speller *speller, int node, Tokens phones, bool longer) {
  if (!phones.count) return true;
  for (int at = first_way(speller, phones); at < speller->num_ways; at++) {
    Tokens way = speller->ways[at].phones;
    if (way.count < phones.count || memcmp(way.values, phones.values, (size_t)phones.count * sizeof(int))) return false;
    if (longer && way.count == phones.count) continue;
    if (may_follow(speller, node, speller->ways[at].word)) return true;
  }
  return false;
}

/** The longest prefix, this one or a shorter one, after which a word may end. */
static const Prefix *longest_end(const Prefix *prefix) {
  return prefix->ends ? prefix : prefix->shorter;
}

static Tokens rest_of(const Prefix *prefix, const Prefix *shorter) {
  return (Tokens){.values = prefix->phones + shorter->count, .count = prefix->count - shorter->count};
}

static void add_end(Prefixes *prefixes, End ***last, Prefix *prefix, int node, const Spelling *before, int word, int begin) {
  End *end = prefix->ends;
  while (end && end->node != node) end = end->next;
  if (!end) {
    **last = end = TAKE(prefixes->arena, 1, End);
    *last = &end->next;
    end->node = node;
  }
  if (end->count == MAX_SPELLINGS) return;
  Spelling *spelling = TAKE(prefixes->arena, 1, Spelling);
  *spelling = (Spelling){.before = before, .word = word, .begin = begin, .end = prefix->count, .count = before ? before->count + 1 : 1};
  end->spellings[end->count++] = spelling;
}

/** Where words end after the phones of a prefix. */
static void find_ends(Prefixes *prefixes, Prefix *prefix) {
  const Speller *speller = prefixes->speller;
  int begun = 0, most = 0;
  for (const Prefix *shorter = prefix->shorter; shorter; shorter = shorter->shorter) {
    if (prefix->count - shorter->count > speller->longest) break;
    most++;
  }
  const Prefix **beginnings = TAKE(prefixes->arena, most, const Prefix *);
  for (const Prefix *shorter = prefix->shorter; begun < most; shorter = shorter->shorter) beginnings[begun++] = shorter;
  End **last = &prefix->ends;
  while (begun--) { /* long words come first */
    const Prefix *shorter = beginnings[begun];
    Tokens phones = rest_of(prefix, shorter);
    int from = first_way(speller, phones), to = from;
    while (to < speller->num_ways && !compare_phones(speller->ways[to].phones, phones)) to++;
    if (from == to) continue;
    for (const End *end = shorter->ends; end; end = end->next)
      for (int i = 0; i < end->count; i++)
        for (int way = from; way < to; way++) {
          int word = speller->ways[way].word, count = 1;
          if (speller->any_order) {
            add_end(prefixes, &last, prefix, 0, end->spellings[i], word, shorter->count);
            continue;
          }
          const SpellingArc *arcs = arcs_of(speller, end->node, word, &count);
          for (int arc = 0; arc < count; arc++) add_end(prefixes, &last, prefix, arcs[arc].target, end->spellings[i], word, shorter->count);
        }
  }
}

void prefixes_start(Prefixes *prefixes, Arena *arena, const Speller *speller) {
  *prefixes = (Prefixes){.arena = arena, .speller = speller};
  End *end = TAKE(arena, 1, End);
  end->node = speller->start;
  end->count = 1; /* of no words: NULL */
  prefixes->start.ends = end;
}

Prefix *prefixes_longer(Prefixes *prefixes, Prefix *prefix, int phone) {
  Prefix *longer = prefix->longer;
  while (longer && longer->phones[prefix->count] != phone) longer = longer->next;
  if (longer) return longer;
  int *phones = TAKE(prefixes->arena, prefix->count + 1, int);
  if (prefix->count) memcpy(phones, prefix->phones, (size_t)prefix->count * sizeof *phones);
  phones[prefix->count] = phone;
  longer = TAKE(prefixes->arena, 1, Prefix);
  *longer = (Prefix){.phones = phones, .count = prefix->count + 1, .shorter = longest_end(prefix), .next = prefix->longer};
  prefix->longer = longer;
  find_ends(prefixes, longer);
  return longer;
}

static bool is_same(const Spelling *a, const Spelling *b, bool words_only) {
  if ((a ? a->count : 0) != (b ? b->count : 0)) return false;
  for (; a != b; a = a->before, b = b->before)
    if (a->word != b->word || (!words_only && (a->begin != b->begin || a->end != b->end))) return false;
  return true;
}

/** Adds a spelling to some if it is another one than those. */
static int add_distinct(const Spelling **found, int count, const Spelling *spelling, bool words_only) {
  for (int i = 0; i < count; i++)
    if (is_same(found[i], spelling, words_only)) return count;
  if (count < MAX_SPELLINGS) found[count++] = spelling;
  return count;
}

static bool has(const WordsSet *set, const Spelling *spelling) {
  for (int i = 0; i < set->count; i++)
    if (is_same(set->spellings[i], spelling, true)) return true;
  return false;
}

/** The set that was kept already, or this one from now on. */
static const WordsSet *keep(Prefixes *prefixes, WordsSet set) {
  for (const WordsSet *kept = prefixes->sets; kept; kept = kept->next) {
    bool same = kept->count == set.count;
    for (int i = 0; same && i < set.count; i++) same = has(kept, set.spellings[i]);
    if (same) return kept;
  }
  WordsSet *kept = TAKE(prefixes->arena, 1, WordsSet);
  *kept = set;
  kept->next = prefixes->sets;
  return prefixes->sets = kept;
}

static const WordsSet *words_so_far(Prefixes *prefixes, const Prefix *prefix) {
  const Speller *speller = prefixes->speller;
  WordsSet set = {0};
  int spellings = 0;
  for (const End *end = prefix->ends; end; end = end->next) spellings += end->count;
  if (!spellings || spellings >= MAX_SPELLINGS) return NULL;
  for (const Prefix *shorter = prefix->shorter; shorter; shorter = shorter->shorter) {
    Tokens rest = rest_of(prefix, shorter);
    if (rest.count >= speller->longest) break;
    for (const End *end = shorter->ends; end; end = end->next)
      if (may_begin(speller, end->node, rest, true)) return NULL;
  }
  for (const End *end = prefix->ends; end; end = end->next)
    for (int i = 0; i < end->count; i++) set.count = add_distinct(set.spellings, set.count, end->spellings[i], true);
  return keep(prefixes, set);
}

const WordsSet *prefixes_words_so_far(Prefixes *prefixes, Prefix *prefix) {
  if (!prefix->words_known) {
    prefix->words = words_so_far(prefixes, prefix);
    prefix->words_known = true;
  }
  return prefix->words;
}

int speller_sentences(const Speller *speller, const Prefix *prefix, const Spelling *found[MAX_SPELLINGS]) {
  int count = 0;
  for (const End *end = prefix->ends; end; end = end->next)
    for (int i = 0; speller->finals[end->node] && i < end->count; i++) count = add_distinct(found, count, end->spellings[i], false);
  return count;
}

const Spelling *speller_beginning(const Speller *speller, const Prefix *prefix) {
  for (const Prefix *shorter = longest_end(prefix); shorter; shorter = shorter->shorter)
    for (const End *end = shorter->ends; end; end = end->next)
      if (end->count && may_begin(speller, end->node, rest_of(prefix, shorter), false)) return end->spellings[0];
  return NULL;
}

bool speller_accepts(const Speller *speller, Arena *arena, const int *words, int count) {
  Mark mark = arena_mark(arena);
  int *at = TAKE(arena, speller->nodes, int), *reached = TAKE(arena, speller->nodes, int);
  int *seen = TAKE(arena, speller->nodes, int); /* the number of the word that led to a node, from 1 on */
  int num_at = 1;
  at[0] = speller->start;
  for (int i = 0; i < count; i++) {
    int num_reached = 0;
    for (int n = 0; n < num_at; n++) {
      int num_arcs = 0;
      const SpellingArc *arcs = arcs_of(speller, at[n], words[i], &num_arcs);
      for (int arc = 0; arc < num_arcs; arc++)
        if (seen[arcs[arc].target] != i + 1) {
          seen[arcs[arc].target] = i + 1;
          reached[num_reached++] = arcs[arc].target;
        }
    }
    int *other = at;
    at = reached;
    reached = other;
    num_at = num_reached;
  }
  bool accepted = false;
  for (int n = 0; n < num_at; n++) accepted = accepted || speller->finals[at[n]];
  arena_release(arena, mark);
  return accepted;
}

int *spelling_words(Arena *arena, const Spelling *spelling) {
  int *words = TAKE(arena, spelling ? spelling->count : 0, int);
  for (; spelling; spelling = spelling->before) words[spelling->count - 1] = spelling->word;
  return words;
}
