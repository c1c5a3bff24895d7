/** The fields of a JSON document, checked when they are read: one error that names the file and the field. */
#ifndef FIELDS_H
#define FIELDS_H

#include "json.h"

/** Of anything that is counted. */
enum { MOST = 1 << 30 };

/**
 * An object of a document. `place`: file and the way to it; `advice`: what to do about a wrong one, for errors. What is read
 * from it is taken from the arena.
 */
typedef struct Fields {
  Arena *arena;
  Json value;
  const char *place, *advice;
} Fields;

/** Whole numbers. */
typedef struct Wholes {
  int *values;
  int count;
} Wholes;

/** A way to say something: tokens. */
typedef struct Tokens {
  const int *values;
  int count;
} Tokens;

typedef struct Ways {
  const Tokens *values;
  int count;
} Ways;

/** The object of a value, which is at `place`. */
Fields fields_of(Arena *arena, Json value, const char *place, const char *advice);

/** Fails about a field. `problem`: as by printf. */
_Noreturn void field_wrong(const Fields *fields, const char *name, const char *problem, ...) __attribute__((format(printf, 3, 4)));

/** Whether it is there and not null. */
bool field_has(const Fields *fields, const char *name);
Json field_any(const Fields *fields, const char *name);
Fields field_inside(const Fields *fields, const char *name);

/** The objects in a list: their number and an array of them. */
int field_objects(const Fields *fields, const char *name, Fields **objects);

/** A text that is not empty; different ones. */
const char *field_text(const Fields *fields, const char *name);
int field_texts(const Fields *fields, const char *name, const char ***texts);

/** A finite number in a range. */
double field_number(const Fields *fields, const char *name, double least, double most);
int field_whole(const Fields *fields, const char *name, int least, int most);

/** Whole numbers in a range; `length`: how many there must be, -1 for any. */
Wholes field_wholes(const Fields *fields, const char *name, int least, int most, int length);

/** So many numbers in a range. */
const float *field_floats(const Fields *fields, const char *name, double least, double most, int length);

/** Ways to say something, each of tokens but blank; at least one. */
Ways field_ways(const Fields *fields, const char *name, int num_tokens);

/** The same for so many things, some of which may have none. */
const Ways *field_all_ways(const Fields *fields, const char *name, int num_tokens, int length);

#endif
