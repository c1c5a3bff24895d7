#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *file_content(const char *path, size_t *length, speech_error *error) {
  char *content = NULL;
  size_t room = 0, got = 0;
  bool failed = false;
  FILE *file = fopen(path, "rb");
  while (file && !failed) {
    if (got + 1 >= room) {
      room = room ? 2 * room : 1 << 16;
      char *more = realloc(content, room);
      failed = !more;
      if (more) content = more;
    }
    size_t now = failed ? 0 : fread(content + got, 1, room - got - 1, file);
    got += now;
    if (!now) break;
  }
  if (!file || failed || ferror(file)) {
    if (error) snprintf(error->message, sizeof error->message, "%.400s: cannot be read: %s", path, strerror(errno ? errno : EIO));
    free(content);
    content = NULL;
  } else {
    content[got] = 0;
    *length = got;
  }
  if (file) fclose(file);
  return content;
}

speech_grammar *speech_grammar_load(const char *path, speech_error *error) {
  size_t length = 0;
  char *text = file_content(path, &length, error);
  if (!text) return NULL;
  speech_grammar *grammar = speech_grammar_parse(text, length, path, error);
  free(text);
  return grammar;
}
