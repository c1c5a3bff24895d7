#include "nbest.h"

#include <math.h>
#include <string.h>

enum {
  MAX_EXPANSIONS = 5000, /* bound on the work for one search; there are no more sentences than those found until then */
  SAID_SLOTS = 1 << 10,
};

/** Phones from a node to the end of the sentence. `label`: the first one, 0 for none; `begin`: B of it; `ends`: D + C. */
struct Suffix {
  int node, label, phones;
  const double *begin, *ends;
  const Suffix *tail;
  Prefix *postfix; /* the phones from the last one on, once the suffix is looked at */
  bool is_news;    /* whether it was compared with others that say the same */
};

struct Said {
  Said *next;
  int node, label;
  const WordsSet *words;
  const double *best;
};

static double *column(SentenceSearch *search, int token) {
  double *found = TAKE(search->arena, search->rows + 1, double);
  for (int at = 0; at <= search->rows; at++) found[at] = record_sum(&search->state->record, search->rows - at, token);
  return found;
}

static const double *over_blank(SentenceSearch *search, int token) {
  if (!search->over_blank[token]) {
    double *found = column(search, token);
    for (int at = 0; at <= search->rows; at++) found[at] -= search->blank[at];
    search->over_blank[token] = found;
  }
  return search->over_blank[token];
}

/* ---- the queue: the lowest cost first, and of equal ones the first that came ---- */

static bool comes_before(const Queued *a, const Queued *b) {
  return a->cost < b->cost || (a->cost == b->cost && a->number < b->number);
}

static void push(SentenceSearch *search, double bound, Suffix *suffix) {
  if (!(bound >= search->lowest && bound > -HUGE_VAL)) return;
  if (search->queued == search->room) {
    int room = search->room ? 2 * search->room : 256;
    search->queue = take_longer(search->arena, search->queue, (size_t)search->room, (size_t)room, sizeof *search->queue);
    search->room = room;
  }
  Queued *queue = search->queue, new = {.cost = -bound, .number = search->pushed++, .suffix = suffix};
  int at = search->queued++;
  for (; at > 0 && comes_before(&new, &queue[(at - 1) / 2]); at = (at - 1) / 2) queue[at] = queue[(at - 1) / 2];
  queue[at] = new;
}

static bool pop(SentenceSearch *search, Queued *first) {
  if (!search->queued) return false;
  Queued *queue = search->queue, last = queue[--search->queued];
  *first = queue[0];
  int at = 0;
  for (int down = 1; down < search->queued; down = 2 * at + 1) {
    if (down + 1 < search->queued && comes_before(&queue[down + 1], &queue[down])) down++;
    if (!comes_before(&queue[down], &last)) break;
    queue[at] = queue[down];
    at = down;
  }
  queue[at] = last;
  return true;
}

/* ---- suffixes ---- */

/** Score of the best sentence whose suffix follows a node. */
static double bound_of(const SentenceSearch *search, int node, const double *begin) {
  double highest = -HUGE_VAL;
  for (int at = 0; at <= search->rows; at++) {
    double before = node ? (double)viterbi_at(&search->state->search, search->rows - at, node) : search->outside[at];
    double score = before + (begin[at] - search->blank[at]);
    if (score > highest) highest = score;
  }
  return highest;
}

/** One more phone. */
static Suffix longer(SentenceSearch *search, const Suffix *suffix, int label) {
  int rows = search->rows;
  const double *over = over_blank(search, label);
  double *ends = TAKE(search->arena, rows + 1, double), *begin = TAKE(search->arena, rows + 1, double);
  double after = -HUGE_VAL, until = -HUGE_VAL; /* C and M so far */
  bool repeats = label == suffix->label;       /* then at least one blank between */
  for (int at = 0; at <= rows; at++) {
    double before = after;
    if (!suffix->label) after = suffix->begin[at];
    else if (suffix->begin[at] > after) after = suffix->begin[at];
    ends[at] = over[at] + (repeats ? before : after);
    begin[at] = until - over[at];
    if (ends[at] > until) until = ends[at];
  }
  return (Suffix){.label = label, .phones = suffix->phones + 1, .begin = begin, .ends = ends, .tail = suffix};
}

static Suffix *kept(SentenceSearch *search, Suffix suffix, int node) {
  Suffix *new = TAKE(search->arena, 1, Suffix);
  *new = suffix;
  new->node = node;
  return new;
}

/** Pushes the suffixes that are longer by one of several phones. */
static void expand(SentenceSearch *search, const Suffix *suffix) {
  const Graph *graph = search->state->search.graph;
  int end = graph->first[suffix->node + 1];
  for (int arc = graph->first[suffix->node]; arc < end;) {
    int label = graph->label[arc];
    over_blank(search, label);
    Mark mark = arena_mark(search->arena);
    Suffix model = longer(search, suffix, label);
    bool is_likely = false, is_needed = false;
    for (int at = 0; !is_likely && at <= search->rows; at++) /* no path score is above 0 */
      is_likely = model.begin[at] - search->blank[at] >= search->lowest;
    for (; arc < end && graph->label[arc] == label; arc++) {
      double bound = is_likely ? bound_of(search, graph->source[arc], model.begin) : -HUGE_VAL;
      if (!(bound >= search->lowest && bound > -HUGE_VAL)) continue;
      push(search, bound, kept(search, model, graph->source[arc]));
      is_needed = true;
    }
    if (!is_needed) arena_release(search->arena, mark);
  }
}

/** The slot of what is said alike. */
static Said **slot_of(const SentenceSearch *search, int node, int label, const WordsSet *words) {
  size_t hash = (size_t)node * 31 + (size_t)label * 7 + ((size_t)words >> 4) * 17;
  Said **slot = &search->said[hash % SAID_SLOTS];
  while (*slot && ((*slot)->node != node || (*slot)->label != label || (*slot)->words != words)) slot = &(*slot)->next;
  return slot;
}

/**
 * Where the same words from the same node on are said better with other pronunciations, those of the suffix do not count.
 * Returns whether there is such a place.
 */
static bool compare(SentenceSearch *search, Suffix *suffix) {
  suffix->is_news = true;
  suffix->postfix = prefixes_longer(&search->postfixes, suffix->tail->postfix, suffix->label);
  const WordsSet *words = prefixes_words_so_far(&search->postfixes, suffix->postfix);
  if (!words) return false;
  Said **slot = slot_of(search, suffix->node, suffix->label, words); /* the label: the same phone before it needs a blank */
  if (!*slot) {
    *slot = TAKE(search->arena, 1, Said);
    **slot = (Said){.node = suffix->node, .label = suffix->label, .words = words, .best = suffix->begin};
    return false;
  }
  double *best = TAKE(search->arena, search->rows + 1, double), *begin = TAKE(search->arena, search->rows + 1, double);
  for (int at = 0; at <= search->rows; at++) {
    double known = (*slot)->best[at], own = suffix->begin[at];
    best[at] = own > known ? own : known;
    begin[at] = own > known ? own : -HUGE_VAL;
  }
  (*slot)->best = best;
  suffix->begin = begin;
  return true;
}

/** The next suffix that is a whole sentence. */
static const Suffix *next_complete(SentenceSearch *search, double *score) {
  const Graph *graph = search->state->search.graph;
  Queued first;
  while (pop(search, &first)) {
    Suffix *suffix = first.suffix;
    for (bool is_bound = true; is_bound;) {
      if (++search->expansions > MAX_EXPANSIONS) return NULL;
      is_bound = suffix->is_news || !compare(search, suffix);
      int arc = graph->first[suffix->node], end = graph->first[suffix->node + 1];
      if (!is_bound) {
        push(search, bound_of(search, suffix->node, suffix->begin), suffix); /* it is lower now */
      } else if (suffix->node == 0) {
        *score = -first.cost;
        return suffix;
      } else if (end - arc > 1) {
        expand(search, suffix);
        break;
      } else {
        is_bound = graph->label[arc] != suffix->label; /* a repeated phone has a lower bound */
        suffix = kept(search, longer(search, suffix, graph->label[arc]), graph->source[arc]);
        if (!is_bound) push(search, bound_of(search, suffix->node, suffix->begin), suffix);
      }
    }
  }
  return NULL;
}

/** The sentences that the phones of a complete suffix say. */
static void spell(SentenceSearch *search, const Suffix *suffix) {
  const Speller *speller = search->prefixes->speller;
  Arena *arena = search->arena;
  const Spelling *accepted = NULL;
  int readings = 0, sentences = 0;
  for (const End *end = suffix->postfix->ends; end; end = end->next)
    for (int i = 0; i < end->count; i++, readings++) {
      const Spelling *reading = end->spellings[i];
      int *words = TAKE(arena, reading ? reading->count : 0, int), count = 0;
      for (const Spelling *word = reading; word; word = word->before) words[count++] = word->word;
      if (!speller_accepts(speller, arena, words, count)) continue;
      accepted = reading;
      sentences++;
    }
  if (sentences == 1 && readings < MAX_SPELLINGS) {
    const Spelling *spelling = NULL;
    for (; accepted; accepted = accepted->before) {
      Spelling *word = TAKE(arena, 1, Spelling);
      *word = (Spelling){.before = spelling, .word = accepted->word, .begin = suffix->phones - accepted->end,
                         .end = suffix->phones - accepted->begin, .count = spelling ? spelling->count + 1 : 1};
      spelling = word;
    }
    search->spellings[0] = spelling;
    search->num_spellings = 1;
    return;
  }
  Prefix *prefix = &search->prefixes->start;
  for (const Suffix *step = suffix; step->tail; step = step->tail) prefix = prefixes_longer(search->prefixes, prefix, step->label);
  search->num_spellings = speller_sentences(speller, prefix, search->spellings); /* in the order of the grammar */
}

void nbest_begin(SentenceSearch *search, Arena *arena, Decoding *state) {
  const Graph *graph = state->search.graph;
  *search = (SentenceSearch){.arena = arena, .state = state, .rows = state->now.rows, .prefixes = &state->paths.prefixes};
  prefixes_start(&search->postfixes, arena, &state->decoder->backward_speller);
  search->blank = column(search, 0);
  search->outside = column(search, graph->tokens);
  search->over_blank = TAKE(arena, graph->tokens, const double *);
  search->said = TAKE(arena, SAID_SLOTS, Said *);
  double *end = TAKE(arena, search->rows + 1, double), *bounds = TAKE(arena, graph->num_finals, double), best = -HUGE_VAL;
  for (int at = 0; at <= search->rows; at++) end[at] = search->outside[0] - search->outside[at] + search->blank[at];
  for (int i = 0; i < graph->num_finals; i++) {
    bounds[i] = bound_of(search, graph->finals[i], end);
    best = fmax(best, bounds[i]);
  }
  search->lowest = best - state->decoder->options.nbest_beam;
  for (int i = 0; i < graph->num_finals; i++) {
    Suffix suffix = {.begin = end, .ends = end, .postfix = &search->postfixes.start, .is_news = true};
    push(search, bounds[i], kept(search, suffix, graph->finals[i]));
  }
}

/** Whether another sentence has the same words. */
static bool is_known(const SentenceSearch *search, const int *words, int count) {
  for (int i = 0; i < search->num_found; i++)
    if (search->found[i]->num_words == count && !memcmp(search->found[i]->words, words, (size_t)count * sizeof *words)) return true;
  return false;
}

static Sentence *found(SentenceSearch *search, const Spelling *spelling, const int *words) {
  Sentence *sentence = TAKE(search->arena, 1, Sentence);
  *sentence = search->waiting;
  sentence->spelling = spelling;
  sentence->words = words;
  sentence->num_words = spelling ? spelling->count : 0;
  if (search->num_found == search->found_room) {
    int room = 2 * search->found_room + 16;
    search->found = take_longer(search->arena, search->found, (size_t)search->num_found, (size_t)room, sizeof *search->found);
    search->found_room = room;
  }
  return search->found[search->num_found++] = sentence;
}

Sentence *nbest_next(SentenceSearch *search) {
  for (;;) {
    while (search->next_spelling < search->num_spellings) {
      const Spelling *spelling = search->spellings[search->next_spelling++];
      const int *words = spelling_words(search->arena, spelling);
      if (!is_known(search, words, spelling ? spelling->count : 0)) return found(search, spelling, words);
    }
    double score = 0;
    const Suffix *suffix = next_complete(search, &score);
    if (!suffix) return NULL;
    int *phones = TAKE(search->arena, suffix->phones, int), count = 0;
    for (const Suffix *step = suffix; step->tail; step = step->tail) phones[count++] = step->label;
    search->waiting = (Sentence){
        .record = (Record *)&search->state->record, .vocabulary = &search->state->decoder->vocabulary,
        .speller = &search->state->decoder->speller, .phones = phones, .num_phones = count, .score = score, .search = search, .suffix = suffix,
    };
    search->next_spelling = 0;
    spell(search, suffix);
  }
}

/** The first of the rows from `from` on with the highest value; values: the last row first. */
static int first_best(const double *values, int last, int from) {
  int row = from;
  for (int t = from; t <= last; t++)
    if (values[last - t] > values[last - row]) row = t;
  return row;
}

const Span *nbest_align(Arena *arena, const void *of_search, const void *of_suffix) {
  const SentenceSearch *search = of_search;
  const Suffix *suffix = of_suffix;
  int last = search->rows, begin = 0, count = 0;
  double best = -HUGE_VAL;
  for (int t = 0; t <= last; t++) {
    double score = search->outside[last - t] - search->blank[last - t] + suffix->begin[last - t];
    if (score > best) best = score, begin = t;
  }
  Span *spans = TAKE(arena, suffix->phones, Span);
  for (const Suffix *step = suffix; step->tail; step = step->tail) {
    int end = first_best(step->ends, last, begin + 1);
    spans[count++] = (Span){.token = step->label, .begin = begin, .end = end};
    if (step->tail->label) begin = first_best(step->tail->begin, last, end + (step->tail->label == step->label));
  }
  return spans;
}
