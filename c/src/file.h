/** Whole files. */
#ifndef FILE_H
#define FILE_H

#include "memory.h"

/** The content of a file and a 0 after it, to be freed; NULL and an error where it cannot be read. */
char *file_content(const char *path, size_t *length, speech_error *error);

#endif
