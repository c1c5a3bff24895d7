/** JSON into a buffer, as snprintf writes: what does not fit is counted. */
#ifndef WRITER_H
#define WRITER_H

#include "speech_lstm.h"

typedef struct Writer {
  char *buffer;
  size_t size, length; /* length: of all, without the last 0 */
} Writer;

void write_raw(Writer *writer, const char *text);
void write_text(Writer *writer, const char *text); /* NULL: null */
void write_seconds(Writer *writer, double seconds);
void write_probability(Writer *writer, double probability);
void write_result(Writer *writer, const speech_result *result);

/** Ends the text; returns its length. */
size_t write_end(Writer *writer);

#endif
