/** SHA-256 (FIPS 180-4). */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>

/** The digest of some bytes as 64 hexadecimal digits and a 0. */
void sha256_hex(const unsigned char *bytes, size_t length, char hex[65]);

#endif
