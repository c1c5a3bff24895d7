#include "hypothesis.h"

#include "nbest.h"

const HypothesisWord *sentence_words(Arena *arena, Sentence *sentence) {
  if (sentence->found || !sentence->num_words) return sentence->found;
  if (!sentence->spans) sentence->spans = nbest_align(arena, sentence->search, sentence->suffix);
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
