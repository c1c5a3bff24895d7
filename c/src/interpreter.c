#include "interpreter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  MOST_SENTENCES = 24, /* looked at for alternatives: optional words give many that ask for the same */
  MOST_RIVALS = 12,    /* looked at for one of another meaning */
};

/** A sentence and its meaning. `slots`: sorted by name, to compare. */
typedef struct Meant {
  Sentence *sentence;
  Interpretation meaning;
  const SlotSpan **slots;
} Meant;

/** What a decision is made from. */
typedef struct Deciding {
  const speech_grammar *grammar;
  Arena *arena;
  double threshold, latest;
  int num_frames;
  int64_t first_frame;
  Meant *meant[MOST_SENTENCES + 1];
  int num_meant;
} Deciding;

static Meant *meant_of(const Deciding *d, Sentence *sentence) {
  Meant *meant = TAKE(d->arena, 1, Meant);
  meant->sentence = sentence;
  meant->meaning = meaning_of(&d->grammar->sentences, d->arena, sentence->words, sentence->num_words);
  int count = meant->meaning.num_slots;
  meant->slots = TAKE(d->arena, count, const SlotSpan *);
  for (int i = 0; i < count; i++) { /* insertion sort: few, and equal names stay in order */
    int at = i;
    for (; at && strcmp(meant->slots[at - 1]->name, meant->meaning.slots[i].name) > 0; at--) meant->slots[at] = meant->slots[at - 1];
    meant->slots[at] = &meant->meaning.slots[i];
  }
  return meant;
}

static bool has_meaning(const Meant *meant) {
  return meant->meaning.intent || meant->meaning.num_slots;
}

static bool same_texts(const char *a, const char *b) {
  return a && b ? !strcmp(a, b) : a == b;
}

/** Whether two ask for the same; one without an intent and slots means itself. */
static bool same_command(const Meant *a, const Meant *b) {
  if (has_meaning(a) != has_meaning(b)) return false;
  if (!has_meaning(a))
    return a->sentence->num_words == b->sentence->num_words &&
           !memcmp(a->sentence->words, b->sentence->words, (size_t)a->sentence->num_words * sizeof(int));
  if (!same_texts(a->meaning.intent, b->meaning.intent) || a->meaning.num_slots != b->meaning.num_slots) return false;
  for (int i = 0; i < a->meaning.num_slots; i++)
    if (strcmp(a->slots[i]->name, b->slots[i]->name) || strcmp(a->slots[i]->value, b->slots[i]->value)) return false;
  return true;
}

/** Whether they ask for different things, in sounds that can be told apart. */
static bool is_rival(const Meant *a, const Meant *b) {
  const Sentence *first = a->sentence, *second = b->sentence;
  return !same_command(a, b) && (first->num_phones != second->num_phones ||
                                 memcmp(first->phones, second->phones, (size_t)first->num_phones * sizeof(int)));
}

static bool says_word(const Deciding *d, const Meant *meant, const HypothesisWord *word) {
  const HypothesisWord *own = sentence_words(d->arena, meant->sentence);
  for (int i = 0; i < meant->sentence->num_words; i++)
    if (own[i].word == word->word && own[i].first_frame <= word->last_frame && word->first_frame <= own[i].last_frame) return true;
  return false;
}

static bool has_slot(const Meant *meant, const SlotSpan *slot) {
  for (int i = 0; i < meant->meaning.num_slots; i++)
    if (!strcmp(meant->slots[i]->name, slot->name) && !strcmp(meant->slots[i]->value, slot->value)) return true;
  return false;
}

/** Lead over the best rival, in nats: of all, or of those that do not say a word, or do not have a slot. */
static double lead(const Deciding *d, const Meant *this, const HypothesisWord *without_word, const SlotSpan *without_slot) {
  double highest = -HUGE_VAL;
  for (int i = 0; i < d->num_meant; i++) {
    const Meant *other = d->meant[i];
    if (!is_rival(this, other) || (without_word && says_word(d, other, without_word)) || (without_slot && has_slot(other, without_slot)))
      continue;
    highest = fmax(highest, other->sentence->score);
  }
  return this->sentence->score - highest;
}

double interpreter_seconds(double seconds) {
  char text[64]; /* printf rounds the decimal digits of the number exactly, as Python's round does */
  long long whole = 0;
  int part = 0;
  snprintf(text, sizeof text, "%.4f", seconds);
  bool is_read = sscanf(text, "%lld%*1[.,]%d", &whole, &part) == 2;
  return is_read ? ((double)whole * 1e4 + part) / 1e4 : seconds;
}

/** When a frame of the search begins. */
static double seconds(const Deciding *d, int frame) {
  return interpreter_seconds(fmin((double)(d->first_frame + frame) * d->grammar->model.frame_seconds, d->latest));
}

/** When a word that begins with a frame does: one that comes out after the audio was said at its end. */
static double begin_of(const Deciding *d, int frame) {
  double length = d->grammar->model.frame_seconds;
  return interpreter_seconds(fmin((double)(d->first_frame + frame) * length, fmax(0, d->latest - length)));
}

static double confidence(const Deciding *d, const Meant *this) {
  return confidence_of_command(&d->grammar->confidence, d->arena, this->sentence, d->num_frames, lead(d, this, NULL, NULL),
                               sentence_leads(d->arena, this->sentence));
}

/** Words from one to another, included, as text. */
static const char *text_of(const Deciding *d, const Sentence *sentence, int first, int last) {
  size_t length = 1;
  for (int i = first; i <= last; i++) length += strlen(d->grammar->words[sentence->words[i]]) + 1;
  char *text = TAKE(d->arena, length, char), *at = text;
  for (int i = first; i <= last; i++) {
    const char *word = d->grammar->words[sentence->words[i]];
    if (i > first) *at++ = ' ';
    memcpy(at, word, strlen(word));
    at += strlen(word);
  }
  return text;
}

static const speech_slot *slots_of(const Deciding *d, const Meant *this) {
  const HypothesisWord *words = sentence_words(d->arena, this->sentence);
  const double *leads = sentence_leads(d->arena, this->sentence);
  speech_slot *slots = TAKE(d->arena, this->meaning.num_slots, speech_slot);
  for (int i = 0; i < this->meaning.num_slots; i++) {
    const SlotSpan *slot = &this->meaning.slots[i];
    int first = slot->first_word, last = slot->last_word;
    if (last < first) fail(d->arena->trouble, "slot \"%s\" of the grammar has no words; compile it again", slot->name);
    slots[i] = (speech_slot){
        .name = slot->name,
        .value = slot->value,
        .text = text_of(d, this->sentence, first, last),
        .start = begin_of(d, words[first].first_frame),
        .end = seconds(d, words[last].last_frame + 1),
        .confidence = confidence_of_span(&d->grammar->confidence, words + first, last - first + 1, this->sentence->num_phones, lead(d, this, NULL, slot), leads + first),
    };
  }
  return slots;
}

static const speech_word *words_of(const Deciding *d, const Meant *this) {
  Sentence *sentence = this->sentence;
  const double *leads = sentence_leads(d->arena, sentence);
  speech_word *words = TAKE(d->arena, sentence->num_words, speech_word);
  for (int i = 0; i < sentence->num_words; i++) {
    const HypothesisWord *word = &sentence->found[i];
    words[i] = (speech_word){
        .text = d->grammar->words[word->word],
        .start = begin_of(d, word->first_frame),
        .end = seconds(d, word->last_frame + 1),
        .confidence = confidence_of_span(&d->grammar->confidence, word, 1, sentence->num_phones, lead(d, this, word, NULL), leads + i),
    };
  }
  return words;
}

/** Other commands in the order of their confidence, at most that many, none above `most`. */
static void add_alternatives(const Deciding *d, speech_result *result, int alternatives) {
  speech_alternative *others = TAKE(d->arena, d->num_meant, speech_alternative);
  int count = 0;
  for (int i = 1; i < d->num_meant; i++) {
    Meant *this = d->meant[i];
    speech_alternative other = {
        .text = text_of(d, this->sentence, 0, this->sentence->num_words - 1),
        .confidence = fmin(result->confidence, confidence(d, this)),
        .intent = this->meaning.intent,
        .slots = slots_of(d, this),
        .num_slots = (size_t)this->meaning.num_slots,
    };
    int at = count++;
    for (; at && others[at - 1].confidence < other.confidence; at--) others[at] = others[at - 1];
    others[at] = other;
  }
  result->alternatives = others;
  result->num_alternatives = (size_t)(count < alternatives ? count : alternatives);
}

bool interpreter_accepts(const speech_grammar *grammar, double threshold, Arena *arena, Sentence *sentence, int num_frames) {
  const Confidence *confidence = &grammar->confidence;
  if (confidence_of_command(confidence, arena, sentence, num_frames, HUGE_VAL, NULL) < threshold) return false; /* other words take time */
  return confidence_of_command(confidence, arena, sentence, num_frames, HUGE_VAL, sentence_leads(arena, sentence)) >= threshold;
}

/** The best sentence of another meaning that is close, among those looked at and those that follow. */
static void add_rival(Deciding *d, SentenceSearch *search, Meant *const *looked_at, int count) {
  const Meant *best = d->meant[0];
  double lowest = best->sentence->score - CLEAR;
  for (int i = 0; i < MOST_RIVALS; i++) {
    Sentence *sentence = i < count ? looked_at[i]->sentence : nbest_next(search);
    if (!sentence) return;
    Meant *other = i < count ? looked_at[i] : meant_of(d, sentence);
    if (!(sentence->score >= lowest)) return;
    if (!is_rival(best, other)) continue;
    d->meant[d->num_meant++] = other;
    return;
  }
}

Decision interpreter_decide(const speech_grammar *grammar, double threshold, Arena *arena, Decoding *state, int alternatives,
                            int64_t first_frame, double latest) {
  Deciding d = {.grammar = grammar, .arena = arena, .threshold = threshold, .latest = latest,
                .num_frames = state->now.frames, .first_frame = first_frame};
  SentenceSearch *search = TAKE(arena, 1, SentenceSearch);
  nbest_begin(search, arena, state);
  Meant *looked_at[MOST_SENTENCES];
  int count = 0;
  while (count < (alternatives ? MOST_SENTENCES : 1) && d.num_meant <= alternatives) {
    Sentence *sentence = nbest_next(search);
    if (!sentence) break;
    Meant *other = looked_at[count++] = meant_of(&d, sentence);
    bool is_new = true;
    for (int i = 0; i < d.num_meant; i++) is_new = is_new && !same_command(other, d.meant[i]);
    if (is_new) d.meant[d.num_meant++] = other;
  }
  if (!d.num_meant)
    return (Decision){.result = {.text = "", .start = seconds(&d, 0), .end = seconds(&d, d.num_frames)}, .last_frame = -1};
  Meant *best = d.meant[0];
  if (!best->sentence->num_words) fail(arena->trouble, "the grammar has a sentence without words; compile it again");
  bool has_rival = false;
  for (int i = 0; i < d.num_meant; i++) has_rival = has_rival || is_rival(best, d.meant[i]);
  if (!has_rival && interpreter_accepts(grammar, threshold, arena, best->sentence, d.num_frames)) add_rival(&d, search, looked_at, count);
  speech_result result = {
      .text = text_of(&d, best->sentence, 0, best->sentence->num_words - 1),
      .confidence = confidence(&d, best),
      .intent = best->meaning.intent,
      .num_words = (size_t)best->sentence->num_words,
      .num_slots = (size_t)best->meaning.num_slots,
  };
  result.accepted = result.confidence >= threshold;
  result.words = words_of(&d, best);
  result.slots = slots_of(&d, best);
  result.start = result.words[0].start;
  result.end = result.words[result.num_words - 1].end;
  if (alternatives) add_alternatives(&d, &result, alternatives);
  return (Decision){.result = result, .last_frame = best->sentence->found[best->sentence->num_words - 1].last_frame};
}
