/** JSON that is read where it lies: a document is checked once, values are places in it. */
#ifndef JSON_H
#define JSON_H

#include "memory.h"

typedef enum JsonKind { JSON_NULL, JSON_TRUE, JSON_FALSE, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT } JsonKind;

/** A value of a document. */
typedef struct Json {
  const char *begin, *end;
} Json;

/** An entry of a list, or of an object with its name, a JSON text. Begin with `json_entries`. */
typedef struct JsonEntry {
  Json name, value;
  const char *next;
} JsonEntry;

/**
 * The document in a text, which must stay. Fails with `what` first where it is no JSON (RFC 8259, UTF-8, no lone
 * surrogates).
 */
Json json_document(const Trouble *trouble, const char *text, size_t length, const char *what);

JsonKind json_kind(Json value);

/** Before the first entry of a list or object. */
JsonEntry json_entries(Json value);

/** To the next one; false after the last. */
bool json_next(JsonEntry *entry);

/** Whether a number is written as a whole one. */
bool json_is_whole(Json number);
double json_number(Json number);

/** What a text says. */
char *json_text(Arena *arena, Json text);
bool json_text_is(Json text, const char *other);

/** The value without spaces between its parts, as text. */
char *json_compact(Arena *arena, Json value);

#endif
