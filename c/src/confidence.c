#include "confidence.h"

#include <math.h>

const char *const FEATURES[NUM_FEATURES] = {
    "margin", "worst_word", "log_phones", "filler", "pace", "rival", "weak_word", "evidence", "weak_evidence", "other_word",
};

static const double SLOW = 0.24;         /* seconds per phone that still are ordinary speech */
static const double FLOOR = -8;          /* lowest value of a feature */
static const double MOST_EVIDENCE = 2.5; /* per phone */

static double within(double value, double least, double most) {
  return fmin(most, fmax(least, value));
}

/** num_phones: what log_phones is of. filler: mean score of the frames around the words. */
static double probability(const Confidence *confidence, const HypothesisWord *words, int count, double score, int num_phones, double filler, double lead,
                          const double *leads) {
  int phones = 0;
  double worst = HUGE_VAL, weak = HUGE_VAL, evidence = 0, weak_evidence = HUGE_VAL, least = MOST_LEAD;
  for (int i = 0; i < count; i++) {
    double root = sqrt(words[i].phones);
    phones += words[i].phones;
    worst = fmin(worst, words[i].score / words[i].phones);
    weak = fmin(weak, words[i].score / root);
    evidence += words[i].evidence;
    weak_evidence = fmin(weak_evidence, words[i].evidence / root);
    if (leads) least = fmin(least, leads[i]);
  }
  double frames = words[count - 1].last_frame - words[0].first_frame + 1;
  double features[NUM_FEATURES] = {
      within(score / phones, FLOOR, 0),
      within(worst, FLOOR, 0),
      log(num_phones ? num_phones : phones),
      within(filler, FLOOR, 0),
      -fmax(0, log(frames / phones * confidence->frame_seconds / SLOW)),
      within(lead / CLEAR - 1, -1, 0),
      within(weak, 2 * FLOOR, 0),
      within(evidence / phones, FLOOR, MOST_EVIDENCE),
      within(weak_evidence, 2 * FLOOR, 2 * MOST_EVIDENCE),
      least,
  };
  double logit = 0;
  for (int i = 0; i < NUM_FEATURES; i++) logit += confidence->weights[i] * features[i];
  return 1 / (1 + exp(-within(confidence->intercept + logit, -60, 60)));
}

double confidence_of_command(const Confidence *confidence, Arena *arena, Sentence *sentence, int num_frames, double lead, const double *leads) {
  const HypothesisWord *words = sentence_words(arena, sentence);
  if (!words) return 0;
  int around = num_frames - sentence->frames;
  double outside = (sentence->score - sentence->command_score) / (around > 1 ? around : 1);
  return probability(confidence, words, sentence->num_words, sentence->command_score, 0, outside, lead, leads);
}

double confidence_of_span(const Confidence *confidence, const HypothesisWord *words, int count, int num_phones, double lead, const double *leads) {
  double score = 0;
  for (int i = 0; i < count; i++) score += words[i].score;
  return probability(confidence, words, count, score, num_phones, 0, lead, leads);
}
