#include "command_search.h"

#include <limits.h>
#include <string.h>

void command_search_begin(CommandSearch *search, const Trouble *trouble, const speech_grammar *grammar, double threshold, int64_t origin, int frames) {
  *search = (CommandSearch){.arena = {.trouble = trouble}, .scratch = {.trouble = trouble}, .grammar = grammar,
                            .threshold = threshold, .origin = origin, .tried_at = -1};
  decoding_begin(&search->state, &search->arena, &grammar->decoder, frames);
}

void command_search_end(CommandSearch *search) {
  arena_free(&search->arena);
  arena_free(&search->scratch);
}

void command_search_follow(CommandSearch *search, const float *log_probs) {
  size_t tokens = (size_t)search->grammar->model.num_tokens;
  decoding_follow(&search->state, log_probs);
  if (search->num_heard == search->room) {
    int room = search->room ? 2 * search->room : 64;
    search->heard = take_longer(&search->arena, search->heard, (size_t)search->room * tokens, (size_t)room * tokens, sizeof(float));
    search->room = room;
  }
  memcpy(search->heard + (size_t)search->num_heard++ * tokens, log_probs, tokens * sizeof *log_probs);
}

static bool same_words(const Spelling *a, const Spelling *b) {
  for (; a && b && a->word == b->word; a = a->before, b = b->before) {}
  return !a && !b;
}

const char *command_search_new_words(CommandSearch *search, int wait) {
  if (search->state.now.frames - search->told_at < wait) return NULL;
  const Spelling *found = decoding_partial(&search->state), *before = search->told;
  search->told = found;
  search->told_at = search->state.now.frames;
  if (!found || same_words(found, before)) return NULL;
  arena_free(&search->scratch);
  int *words = spelling_words(&search->scratch, found);
  const char *text = "";
  for (int i = 0; i < found->count; i++) text = take_text(&search->scratch, "%s%s%s", text, i ? " " : "", search->grammar->words[words[i]]);
  return text;
}

int command_search_untried(const CommandSearch *search) {
  return search->tried_at < 0 ? INT_MAX : search->state.now.frames - search->tried_at;
}

bool command_search_might_be_accepted(CommandSearch *search) {
  Sentence best;
  search->tried_at = search->state.now.frames;
  return decoding_best(&search->state, &best) &&
         interpreter_accepts(search->grammar, search->threshold, &search->arena, &best, search->state.now.frames);
}

Decision command_search_decide(CommandSearch *search, int alternatives, double time) {
  arena_free(&search->scratch);
  return interpreter_decide(search->grammar, search->threshold, &search->scratch, &search->state, alternatives, search->origin, time);
}
