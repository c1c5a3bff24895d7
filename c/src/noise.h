/** Does anything rise over the noise (runtime/audio/noise.py)? */
#ifndef SPEECH_NOISE_H
#define SPEECH_NOISE_H

#include <stdbool.h>
#include <stddef.h>

/** The quietest of what a stream heard of late. */
typedef struct {
  double least, least_before;
  int blocks;
} Noise;

/** Begins anew. */
void noise_forget(Noise *noise);

/** Whether a block is a sound louder than the noise before it; the block is then part of that. */
bool noise_is_under(Noise *noise, const float *block, size_t samples);

#endif
