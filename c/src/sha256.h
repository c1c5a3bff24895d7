/** SHA-256 (FIPS 180-4). */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

/** Begin with `SHA256_BEGIN`. */
typedef struct Sha256 {
  uint32_t hash[8];
  unsigned char block[64];
  uint64_t length; /* bytes so far */
} Sha256;

#define SHA256_BEGIN \
  {.hash = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}}

void sha256_add(Sha256 *sum, const void *bytes, size_t length);

/** The digest as 64 hexadecimal digits and a 0. */
void sha256_end(Sha256 *sum, char hex[65]);

#endif
