#include "hypothesis.h"

#include "nbest.h"

static const Span *spans_of(Arena *arena, Sentence *sentence) {
  if (!sentence->spans) sentence->spans = nbest_align(arena, sentence->search, sentence->suffix);
  return sentence->spans;
}

const HypothesisWord *sentence_words(Arena *arena, Sentence *sentence) {
  if (sentence->found || !sentence->num_words) return sentence->found;
  spans_of(arena, sentence);
  Record *record = sentence->record;
  HypothesisWord *words = TAKE(arena, sentence->num_words, HypothesisWord);
  for (const Spelling *spelt = sentence->spelling; spelt; spelt = spelt->before) {
    const Span *spans = sentence->spans + spelt->begin;
    int count = spelt->end - spelt->begin;
    double score = record_command_score(record, spans, count);
    words[spelt->count - 1] = (HypothesisWord){
        .word = spelt->word,
        .first_frame = record->frame_of[spans[0].begin],
        .last_frame = record->frame_of[spans[count - 1].end - 1],
        .phones = count,
        .score = score,
        .evidence = score - record_speech(record, spans[0].begin, spans[count - 1].end),
    };
  }
  sentence->found = words;
  sentence->command_score = record_command_score(record, sentence->spans, sentence->spelling->end);
  sentence->frames = words[sentence->num_words - 1].last_frame - words[0].first_frame + 1;
  return words;
}

static double lead_of(Arena *arena, const Sentence *sentence, const Spelling *spelt) {
  const Span *first = sentence->spans + spelt->begin, *last = sentence->spans + spelt->end - 1;
  Place place = {.record = sentence->record, .begin = first->begin - AROUND, .end = last->end + AROUND};
  if (place.begin < 0) place.begin = 0;
  if (place.end > sentence->record->rows) place.end = sentence->record->rows;
  if (spelt->begin) place.before = first[-1].token, place.begin = first[-1].begin;
  if (spelt->end < sentence->num_phones) place.after = last[1].token, place.end = last[1].end;
  return other_words_lead(sentence->vocabulary, sentence->speller, arena, spelt->word, sentence->phones + spelt->begin, spelt->end - spelt->begin, place);
}

const double *sentence_leads(Arena *arena, Sentence *sentence) {
  if (sentence->leads) return sentence->leads;
  spans_of(arena, sentence);
  double *leads = TAKE(arena, sentence->num_words, double);
  for (const Spelling *spelt = sentence->spelling; spelt; spelt = spelt->before) leads[spelt->count - 1] = lead_of(arena, sentence, spelt);
  return sentence->leads = leads;
}
