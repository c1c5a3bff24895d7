/** A compiled grammar from its text, every field checked as runtime/compiled/reading.py does. */
#include "grammar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "speech-lstm grammar"
enum { VERSION = 2 };

/** Columns of a graph without cycles. */
typedef struct Arcs {
  int nodes;
  Wholes source, target;
} Arcs;

static void read_model(speech_grammar *grammar, const Fields *model) {
  ModelFacts *facts = &grammar->model;
  facts->num_tokens = field_texts(model, "tokens", &facts->tokens);
  if (facts->num_tokens < 2) field_wrong(model, "tokens", "are %d, expected at least two", facts->num_tokens);
  facts->frame_seconds = field_number(model, "frame_seconds", 1e-3, 10);
  field_text(model, "architecture");
  field_text(model, "language");
  facts->sample_rate = field_whole(model, "sample_rate", 1, MOST);
  facts->chunk_samples = field_whole(model, "chunk_samples", 1, MOST);
  facts->state_size = field_whole(model, "state_size", 1, MOST);
  facts->tail_seconds = field_number(model, "tail_seconds", 0, 60);
}

static void read_options(speech_grammar *grammar, const Fields *options) {
  const double largest = 1e6;
  DecoderOptions *found = &grammar->decoder.options;
  found->blank_offset = field_number(options, "blank_offset", -largest, largest);
  found->fold_threshold = field_number(options, "fold_threshold", -largest, largest);
  if (!(found->fold_threshold > 0 && found->fold_threshold <= 1)) field_wrong(options, "fold_threshold", "is %g; it is a probability", found->fold_threshold);
  found->filler_cost = field_number(options, "filler_cost", 0, largest);
  field_number(options, "beam", 0, largest); /* of larger graphs in Python; here all are searched exactly */
  field_whole(options, "max_active", 1, MOST);
  found->nbest_beam = field_number(options, "nbest_beam", 0, largest);
  found->max_frames = field_whole(options, "max_frames", 2, MOST);
}

static void read_confidence(speech_grammar *grammar, const Fields *confidence, int version) {
  grammar->accept = field_number(confidence, "accept", 0, 1);
  grammar->open = field_number(confidence, "open", 0, 1);
  grammar->confidence.intercept = field_number(confidence, "intercept", -HUGE_VAL, HUGE_VAL);
  grammar->confidence.frame_seconds = grammar->model.frame_seconds;
  Fields weights = field_inside(confidence, "weights");
  for (int i = 0; i < NUM_FEATURES; i++)
    if (i != OTHER_WORD || version > 1)
      grammar->confidence.weights[i] = field_number(&weights, FEATURES[i], -HUGE_VAL, HUGE_VAL);
}

static void read_free_speech(speech_grammar *grammar, const Fields *speech) {
  int phones = grammar->model.num_tokens - 1;
  if (phones > 1 << 15) field_wrong(speech, "move", "would have too many numbers");
  grammar->decoder.speech = (FreeSpeech){
      .phones = phones,
      .start = field_floats(speech, "start", 0, 1.001, phones),
      .move = field_floats(speech, "move", 0, 1.001, phones * phones),
      .often = field_floats(speech, "often", 0, 1.001, phones),
  };
}

/** Arcs by a column, in their order: [arcs]; *first: [nodes + 1], where those of a node begin. */
static int *order_by(Arena *arena, int nodes, Wholes column, const int **first) {
  int *order = TAKE(arena, column.count, int), *begin = TAKE(arena, nodes + 1, int), *next = TAKE(arena, nodes, int);
  for (int arc = 0; arc < column.count; arc++) begin[column.values[arc] + 1]++;
  for (int node = 0; node < nodes; node++) {
    begin[node + 1] += begin[node];
    next[node] = begin[node];
  }
  for (int arc = 0; arc < column.count; arc++) order[next[column.values[arc]]++] = arc;
  *first = begin;
  return order;
}

/** Whether nodes are left when those that nothing leads to are taken away again and again. */
static bool has_cycle(Arena *arena, const Arcs *arcs) {
  const int *first;
  const int *order = order_by(arena, arcs->nodes, arcs->source, &first);
  int *entering = TAKE(arena, arcs->nodes, int), *ready = TAKE(arena, arcs->nodes, int), count = 0;
  for (int arc = 0; arc < arcs->target.count; arc++) entering[arcs->target.values[arc]]++;
  for (int node = 0; node < arcs->nodes; node++)
    if (!entering[node]) ready[count++] = node;
  for (int at = 0; at < count; at++)
    for (int i = first[ready[at]]; i < first[ready[at] + 1]; i++) {
      int target = arcs->target.values[order[i]];
      if (!--entering[target]) ready[count++] = target;
    }
  return count < arcs->nodes;
}

static Arcs read_arcs(const Fields *graph) {
  Arcs arcs = {.nodes = field_whole(graph, "nodes", 2, MOST)};
  arcs.source = field_wholes(graph, "source", 0, arcs.nodes - 1, -1);
  arcs.target = field_wholes(graph, "target", 0, arcs.nodes - 1, arcs.source.count);
  if (!arcs.source.count) field_wrong(graph, "source", "is empty: there are no arcs");
  if (arcs.nodes > 2LL * arcs.source.count + 1) field_wrong(graph, "nodes", "is %d, more than %d arcs can join", arcs.nodes, arcs.source.count);
  if (has_cycle(graph->arena, &arcs)) field_wrong(graph, "target", "leads in a circle");
  return arcs;
}

/** [nodes]: where a sentence ends. */
static const bool *read_finals(const Fields *graph, int nodes) {
  Wholes finals = field_wholes(graph, "finals", 0, nodes - 1, -1);
  bool *is_final = TAKE(graph->arena, nodes, bool);
  for (int i = 0; i < finals.count; i++) is_final[finals.values[i]] = true;
  return is_final;
}

static Meaning read_meaning(const Fields *meaning) {
  if (field_has(meaning, "intent")) return (Meaning){.intent = field_text(meaning, "intent")};
  Meaning found = {.slot = field_text(meaning, "slot")};
  if (!field_has(meaning, "begins")) found.value = json_compact(meaning->arena, field_any(meaning, "value"));
  else if (json_kind(field_any(meaning, "begins")) != JSON_TRUE) field_wrong(meaning, "begins", "is not true");
  return found;
}

static void read_sentences(speech_grammar *grammar, const Fields *graph) {
  Arena *arena = graph->arena;
  Arcs arcs = read_arcs(graph);
  Wholes word = field_wholes(graph, "word", -1, grammar->num_words - 1, arcs.source.count);
  Fields *objects;
  int count = field_objects(graph, "meanings", &objects);
  Meaning *meanings = TAKE(arena, count, Meaning);
  for (int i = 0; i < count; i++) meanings[i] = read_meaning(&objects[i]);
  Wholes meaning = field_wholes(graph, "meaning", -1, count - 1, arcs.source.count);
  for (int arc = 0; arc < word.count; arc++)
    if (word.values[arc] >= 0 && meaning.values[arc] >= 0)
      field_wrong(graph, take_text(arena, "meaning[%d]", arc), "is that of an arc with a word, which has none");
  Sentences *found = &grammar->sentences;
  *found = (Sentences){.nodes = arcs.nodes, .word = word.values, .meaning = meaning.values, .target = arcs.target.values, .meanings = meanings};
  found->finals = read_finals(graph, arcs.nodes);
  found->start = field_whole(graph, "start", 0, arcs.nodes - 1);
  found->order = order_by(arena, arcs.nodes, arcs.source, &found->first);
}

static void read_spelling(speech_grammar *grammar, const Fields *graph, const Ways *said) {
  Arena *arena = graph->arena;
  Arcs arcs = read_arcs(graph);
  Wholes word = field_wholes(graph, "word", 0, grammar->num_words - 1, arcs.source.count);
  SpellingArc *found = TAKE(arena, word.count, SpellingArc);
  for (int arc = 0; arc < word.count; arc++) {
    found[arc] = (SpellingArc){.source = arcs.source.values[arc], .word = word.values[arc], .target = arcs.target.values[arc], .number = arc};
    if (!said[word.values[arc]].count)
      field_wrong(graph, take_text(arena, "word[%d]", arc), "is \"%s\", which has no pronunciation", grammar->words[word.values[arc]]);
  }
  const bool *finals = read_finals(graph, arcs.nodes);
  int start = field_whole(graph, "start", 0, arcs.nodes - 1);
  grammar->decoder.speller = speller_of(arena, said, grammar->num_words, found, word.count, arcs.nodes, start, finals);
  grammar->decoder.backward_speller = speller_backwards(arena, said, grammar->num_words);
}

/** Fails unless arcs go by target, label, source, and lead to all nodes but 0, to none more often than to the one before. */
static void check_order(const Fields *graph, const Arcs *arcs, const int *label, const int *first) {
  const int *source = arcs->source.values, *target = arcs->target.values;
  for (int arc = 1; arc < arcs->source.count; arc++) {
    int before = arc - 1;
    bool in_order = target[before] != target[arc]   ? target[before] < target[arc]
                    : label[before] != label[arc] ? label[before] < label[arc]
                                                  : source[before] <= source[arc];
    if (!in_order) field_wrong(graph, "target", "is not in order: arcs go by target, label and source");
  }
  bool fits = !first[1];
  for (int node = 1; fits && node < arcs->nodes; node++) {
    int count = first[node + 1] - first[node];
    fits = count && (node == 1 || count <= first[node] - first[node - 1]);
  }
  if (!fits) field_wrong(graph, "target", "must lead to all nodes but 0, and to none more often than to the one before");
}

static void read_search(speech_grammar *grammar, const Fields *graph) {
  Arena *arena = graph->arena;
  Arcs arcs = read_arcs(graph);
  Wholes label = field_wholes(graph, "label", 1, grammar->model.num_tokens - 1, arcs.source.count);
  Wholes finals = field_wholes(graph, "finals", 1, arcs.nodes - 1, -1);
  bool rising = finals.count > 0;
  for (int i = 1; i < finals.count; i++) rising = rising && finals.values[i] > finals.values[i - 1];
  if (!rising) field_wrong(graph, "finals", "must be rising numbers of nodes, at least one");
  const int *first;
  order_by(arena, arcs.nodes, arcs.target, &first);
  check_order(graph, &arcs, label.values, first);
  bool *repeats = TAKE(arena, label.count, bool), *leaves = TAKE(arena, arcs.nodes, bool);
  for (int arc = 0; arc < label.count; arc++) {
    int source = arcs.source.values[arc];
    leaves[source] = true;
    for (int before = first[source]; !repeats[arc] && before < first[source + 1]; before++) repeats[arc] = label.values[before] == label.values[arc];
    if (repeats[arc] && label.values[first[source]] != label.values[first[source + 1] - 1])
      field_wrong(graph, take_text(arena, "label[%d]", arc), "leads to node %d and leaves it, and others lead to it too", source);
  }
  grammar->decoder.graph = (Graph){
      .nodes = arcs.nodes, .arcs = label.count, .tokens = grammar->model.num_tokens, .source = arcs.source.values, .label = label.values,
      .first = first, .repeats = repeats, .leaves = leaves, .finals = finals.values, .num_finals = finals.count,
  };
}

static void read_wake(speech_grammar *grammar, const Fields *wake) {
  WakeWords *found = &grammar->wake;
  double shortest = grammar->model.frame_seconds;
  found->fold_threshold = field_number(wake, "fold_threshold", 1e-9, 1);
  found->confirm_seconds = field_number(wake, "confirm_seconds", shortest, 60);
  found->refractory_seconds = field_number(wake, "refractory_seconds", shortest, 60);
  found->pause_seconds = field_number(wake, "pause_seconds", shortest, 60);
  found->longest_seconds = field_number(wake, "longest_seconds", shortest, 60);
  Fields *objects;
  int count = field_objects(wake, "phrases", &objects);
  if (!count) field_wrong(wake, "phrases", "are none");
  WakePhrase *phrases = TAKE(wake->arena, count, WakePhrase);
  double places = 0;
  for (int i = 0; i < count; i++) {
    field_text(&objects[i], "wake_word");
    phrases[i] = (WakePhrase){
        .text = field_text(&objects[i], "text"),
        .threshold = field_number(&objects[i], "threshold", -1e4, 0),
        .ways = field_ways(&objects[i], "ways", grammar->model.num_tokens),
    };
    for (int way = 0; way < phrases[i].ways.count; way++) places += phrases[i].ways.values[way].count + 1;
  }
  if (found->longest_seconds / grammar->model.frame_seconds * places > 1 << 24) field_wrong(wake, "longest_seconds", "is too long for so many ways to say the phrases");
  found->phrases = phrases;
  found->num_phrases = count;
}

/** What is read into what. */
typedef struct Reading {
  speech_grammar *grammar;
  const char *text, *name;
  size_t length;
} Reading;

static void read(void *argument) {
  const Reading *reading = argument;
  speech_grammar *grammar = reading->grammar;
  Arena *arena = &grammar->arena;
  grammar->name = take_text(arena, "%s", reading->name);
  Json document = json_document(arena->trouble, reading->text, reading->length, take_text(arena, "%s: not a compiled grammar", grammar->name));
  Fields file = fields_of(arena, document, take_text(arena, "%s: ", grammar->name), "compile it again with `speech-lstm grammar compile`");
  if (strcmp(field_text(&file, "format"), FORMAT)) field_wrong(&file, "format", "is not \"" FORMAT "\"");
  int version = field_whole(&file, "version", 1, MOST);
  if (version > VERSION)
    fail(arena->trouble, "%s: it is of version %d and this library reads versions up to %d; take a newer library", grammar->name, version, VERSION);
  Fields model = field_inside(&file, "model"), decoder = field_inside(&file, "decoder"), confidence = field_inside(&file, "confidence");
  read_model(grammar, &model);
  read_options(grammar, &decoder);
  read_confidence(grammar, &confidence, version);
  Fields speech = field_inside(&file, "free_speech");
  read_free_speech(grammar, &speech);
  if (version > 1) field_any(&file, "other_words"); /* may be null */
  if (field_has(&file, "other_words") && !vocabulary_read(&grammar->decoder.vocabulary, arena, field_text(&file, "other_words"), grammar->model.num_tokens))
    field_wrong(&file, "other_words", "is not ways to say words, \"A\" for token 1 and a space between two");
  grammar->num_words = field_texts(&file, "words", &grammar->words);
  const Ways *said = field_all_ways(&file, "pronunciations", grammar->model.num_tokens, grammar->num_words);
  Fields sentences = field_inside(&file, "sentences"), spelling = field_inside(&file, "spelling"), search = field_inside(&file, "search");
  read_sentences(grammar, &sentences);
  read_spelling(grammar, &spelling, said);
  vocabulary_serve(&grammar->decoder.vocabulary, arena, &grammar->decoder.speller);
  read_search(grammar, &search);
  if (!field_has(&file, "wake")) return;
  Fields wake = field_inside(&file, "wake");
  read_wake(grammar, &wake);
}

speech_grammar *speech_grammar_parse(const char *text, size_t length, const char *name, speech_error *error) {
  Trouble trouble = {.error = error};
  speech_grammar *grammar = calloc(1, sizeof *grammar);
  if (!grammar) {
    if (error) snprintf(error->message, sizeof error->message, "out of memory");
    return NULL;
  }
  grammar->arena.trouble = &trouble;
  Reading reading = {.grammar = grammar, .text = text, .name = name, .length = length};
  if (attempt(&trouble, read, &reading)) {
    grammar->arena.trouble = NULL;
    return grammar;
  }
  speech_grammar_free(grammar);
  return NULL;
}

void speech_grammar_free(speech_grammar *grammar) {
  if (!grammar) return;
  vocabulary_free(&grammar->decoder.vocabulary);
  arena_free(&grammar->arena);
  free(grammar);
}

size_t speech_grammar_tokens(const speech_grammar *grammar) { return (size_t)grammar->model.num_tokens; }

double speech_grammar_frame_seconds(const speech_grammar *grammar) { return grammar->model.frame_seconds; }

bool speech_grammar_has_wake_words(const speech_grammar *grammar) { return grammar->wake.num_phrases > 0; }
