#include "noise.h"

#include <math.h>

#define RISE 2.5   /* of power, from which on there is a sound */
#define MEMORY 24  /* blocks whose least power is the noise, and as many before them */
#define LEAST 3e-9 /* power that is noise in any case */

void noise_forget(Noise *noise) { *noise = (Noise){.least = INFINITY, .least_before = INFINITY}; }

bool noise_is_under(Noise *noise, const float *block, size_t samples) {
  double power = 0;
  for (size_t i = 1; i < samples; i++) power += (double)(block[i] - block[i - 1]) * (double)(block[i] - block[i - 1]);
  power = fmax(power / (double)samples, LEAST);
  bool is_sound = power > RISE * fmin(noise->least, noise->least_before);
  if (++noise->blocks > MEMORY) {
    *noise = (Noise){.least = INFINITY, .least_before = noise->least, .blocks = 1};
  }
  noise->least = fmin(noise->least, power);
  return is_sound;
}
