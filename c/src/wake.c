#include "wake.h"

#include <math.h>
#include <string.h>

static const double LEAST = 1e-300; /* of a probability */
static const double SLACK = 0.1;   /* of what the beginning of a phrase has where just the least will be said */

static int frames_of(double seconds, double frame_seconds) { return (int)rint(seconds / frame_seconds); }

/** All ways lie one after the other, each after a place for "anything", from which it may begin at any frame. */
static void lay_out(WakeSearch *search, const FreeSpeech *speech) {
  const WakeWords *words = search->words;
  int ways = 0;
  for (int i = 0; i < words->num_phrases; i++)
    for (int way = 0; way < words->phrases[i].ways.count; way++, ways++) search->places += words->phrases[i].ways.values[way].count + 1;
  int *labels = TAKE(search->arena, search->places, int), *lasts = TAKE(search->arena, ways, int);
  int *first_ways = TAKE(search->arena, words->num_phrases + 1, int), place = 0, first = 0, number = 0;
  int *phones_left = TAKE(search->arena, search->places, int);
  double *idle = TAKE(search->arena, search->places, double), *least_begun = TAKE(search->arena, search->places, double);
  double *num_phones = TAKE(search->arena, words->num_phrases, double), *least_said = TAKE(search->arena, words->num_phrases, double);
  for (int i = 0; i < words->num_phrases; i++) {
    const WakePhrase *phrase = &words->phrases[i];
    double phones = 0;
    for (int way = 0; way < phrase->ways.count; way++) {
      Tokens tokens = phrase->ways.values[way];
      labels[place] = search->tokens;
      idle[place] = free_speech_probability(speech, tokens.values, tokens.count);
      memcpy(labels + place + 1, tokens.values, (size_t)tokens.count * sizeof *labels);
      for (int begun = 0; begun <= tokens.count; begun++) { /* the prior of the phones that are left, times the least below */
        phones_left[place + begun] = tokens.count - begun;
        least_begun[place + begun] = SLACK * idle[place] / (begun ? free_speech_probability(speech, tokens.values, begun) : 1);
      }
      place += tokens.count + 1;
      lasts[number++] = place - 1;
      phones += tokens.count;
    }
    first_ways[i + 1] = number;
    num_phones[i] = phones / phrase->ways.count;
    least_said[i] = exp(phrase->threshold * num_phones[i]);
    for (; first < place; first++) least_begun[first] *= least_said[i];
  }
  search->labels = labels;
  search->lasts = lasts;
  search->first_ways = first_ways;
  search->idle = idle;
  search->num_phones = num_phones;
  search->least_said = least_said;
  search->phones_left = phones_left;
  search->least_begun = least_begun;
}

/** Forget all paths. */
static void reset(WakeSearch *search) {
  search->phone = search->idle;
  search->blank = search->nothing;
  search->asleep = true;
  search->num_rows = 0;
}

void wake_begin(WakeSearch *search, Arena *arena, const speech_grammar *grammar) {
  const WakeWords *words = &grammar->wake;
  double frame = grammar->model.frame_seconds;
  *search = (WakeSearch){.arena = arena, .words = words, .tokens = grammar->model.num_tokens};
  search->rows = frames_of(words->longest_seconds, frame);
  search->confirm_frames = (int)fmax(1, frames_of(words->confirm_seconds, frame));
  search->refractory_frames = frames_of(words->refractory_seconds, frame);
  search->pause_frames = frames_of(words->pause_seconds, frame);
  lay_out(search, &grammar->decoder.speech);
  search->speech = free_speech_begin(arena, &grammar->decoder.speech);
  search->probs = TAKE(arena, search->tokens, float);
  search->ratios = TAKE(arena, search->tokens + 1, double);
  search->into = TAKE(arena, search->places, double);
  search->nothing = TAKE(arena, search->places, double);
  search->phones = take(arena, (size_t)search->rows * (size_t)search->places, sizeof(double));
  search->blanks = take(arena, (size_t)search->rows * (size_t)search->places, sizeof(double));
  search->frames = TAKE(arena, search->rows, int);
  wake_restart(search);
}

void wake_restart(WakeSearch *search) {
  free_speech_reset(&search->speech);
  search->num_frames = search->deaf_until = search->pause = 0;
  search->has_best = false;
  reset(search);
}

static bool is_start(const WakeSearch *search, int place) { return search->labels[place] == search->tokens; }

/** Where the scores of a row are. */
static size_t row_at(const WakeSearch *search, int row) { return (size_t)(row % search->rows) * (size_t)search->places; }

/** The place of this frame, that of the oldest row. */
static size_t next_row(WakeSearch *search) {
  search->frames[search->num_rows % search->rows] = search->num_frames;
  return row_at(search, search->num_rows++);
}

/** A frame of certain blank: all phones end. */
static void fold(WakeSearch *search) {
  free_speech_rest(&search->speech);
  size_t at = next_row(search);
  double *phone = search->phones + at, *blank = search->blanks + at;
  for (int i = 0; i < search->places; i++) {
    blank[i] = is_start(search, i) ? 0 : search->blank[i] + search->phone[i];
    phone[i] = search->idle[i];
  }
  search->phone = phone;
  search->blank = blank;
}

/** First frame of the likeliest path to a phone now; -1 when it is older than the rows kept. */
static int begin_of(const WakeSearch *search, int at) {
  const int *labels = search->labels;
  int oldest = search->num_rows > search->rows ? search->num_rows - search->rows : -1;
  bool in_phone = true;
  for (int row = search->num_rows - 1; row > oldest; row--) {
    int begin = search->frames[row % search->rows];
    if (row == 0) return at > 0 && is_start(search, at - 1) ? begin : -1;
    const double *phone = search->phones + row_at(search, row - 1), *blank = search->blanks + row_at(search, row - 1);
    if (!in_phone) {
      in_phone = phone[at] >= blank[at];
      continue;
    }
    double direct = labels[at] != labels[at - 1] ? phone[at - 1] : 0;
    if (phone[at] >= fmax(direct, blank[at - 1])) continue;
    at--;
    if (is_start(search, at)) return begin;
    in_phone = direct >= blank[at];
  }
  return -1;
}

/** Whether a phrase was just said, better than the best so far. */
static void look(WakeSearch *search) {
  int number = -1;
  double highest = 0, just_said = 0;
  for (int i = 0; i < search->words->num_phrases; i++) {
    double said = 0;
    for (int way = search->first_ways[i]; way < search->first_ways[i + 1]; way++) said += search->phone[search->lasts[way]];
    double above = said / search->least_said[i];
    if (number < 0 || above > highest) number = i, highest = above, just_said = said;
  }
  if (!(highest >= 1) || (search->has_best && highest < search->best_above)) return;
  int at = search->lasts[search->first_ways[number]];
  for (int way = search->first_ways[number]; way < search->first_ways[number + 1]; way++)
    if (search->phone[search->lasts[way]] > search->phone[at]) at = search->lasts[way];
  int begin = begin_of(search, at);
  if (begin < 0) return;
  double score = fmin(0, log(fmax(LEAST, just_said)) / search->num_phones[number]);
  search->best = (Detection){.phrase = number, .score = score, .first_frame = begin, .last_frame = search->num_frames};
  search->best_above = highest;
  search->has_best = true;
}

/** Any other frame. */
static void step(WakeSearch *search) {
  const int *labels = search->labels;
  const double *before = search->phone, *silent = search->blank;
  search->asleep = false;
  float total = (float)free_speech_advance(&search->speech, search->probs);
  for (int token = 0; token < search->tokens; token++) search->ratios[token] = (double)(search->probs[token] / total);
  for (int i = 1; i < search->places; i++) search->into[i] = (labels[i] != labels[i - 1] ? before[i - 1] : 0) + silent[i - 1];
  size_t at = next_row(search);
  double *phone = search->phones + at, *blank = search->blanks + at;
  for (int i = 0; i < search->places; i++) {
    blank[i] = is_start(search, i) ? 0 : (silent[i] + before[i]) * search->ratios[0];
    phone[i] = is_start(search, i) ? search->idle[i] : (before[i] + search->into[i]) * search->ratios[labels[i]];
  }
  search->phone = phone;
  search->blank = blank;
  if (search->num_frames >= search->deaf_until) look(search);
}

bool wake_advance(WakeSearch *search, const float *log_probs, Detection *found) {
  int best = 0;
  for (int token = 0; token < search->tokens; token++) {
    search->probs[token] = expf(log_probs[token]);
    if (log_probs[token] != log_probs[token]) fail(search->arena->trouble, "log_probs has NaN or a frame without any possible token");
    if (search->probs[token] > search->probs[best]) best = token;
  }
  if (!(search->probs[best] > 0)) fail(search->arena->trouble, "log_probs has NaN or a frame without any possible token");
  bool is_silent = search->probs[0] > (float)search->words->fold_threshold, heard = false;
  search->pause = best == 0 ? search->pause + 1 : 0;
  if (search->pause > search->pause_frames && !search->asleep) reset(search);
  if (!(is_silent && search->asleep)) {
    if (is_silent) fold(search);
    else step(search);
  }
  if (search->has_best && search->num_frames - search->best.last_frame >= search->confirm_frames) {
    *found = search->best;
    heard = true;
    search->deaf_until = search->best.last_frame + search->refractory_frames;
    search->has_best = false;
    reset(search);
  }
  search->num_frames++;
  if (search->num_frames > MOST && search->asleep && !search->has_best) search->num_frames = search->deaf_until = 0; /* after a year */
  return heard;
}

int wake_frames_left(const WakeSearch *search) {
  if (search->has_best) return search->best.last_frame + search->confirm_frames + 1 - search->num_frames;
  int left = 0;
  for (int i = 0; i < search->places; i++)
    if (search->phones_left[i] > left) left = search->phones_left[i];
  for (int i = 0; i < search->places; i++) {
    bool begun = search->phone[i] + search->blank[i] > search->least_begun[i];
    if (begun && search->phones_left[i] < left) left = search->phones_left[i];
  }
  return left + search->confirm_frames;
}
