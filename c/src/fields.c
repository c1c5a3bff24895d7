#include "fields.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *at(const Fields *fields, const char *name) {
  size_t length = strlen(fields->place);
  const char *dot = length >= 2 && !strcmp(fields->place + length - 2, ": ") ? "" : ".";
  return take_text(fields->arena, "%s%s%s", fields->place, dot, name);
}

/** The beginning of a value, for errors. */
static const char *shown(Arena *arena, Json value) {
  enum { LONGEST = 60 };
  size_t length = (size_t)(value.end - value.begin);
  if (length <= LONGEST) return take_text(arena, "%.*s", (int)length, value.begin);
  size_t end = LONGEST - 3;
  while (end && ((unsigned char)value.begin[end] & 0xC0) == 0x80) end--; /* whole characters */
  return take_text(arena, "%.*s...", (int)end, value.begin);
}

static _Noreturn void wrong_type(const Fields *fields, const char *place, Json value, const char *wanted) {
  size_t length = strlen(place);
  if (length >= 2 && !strcmp(place + length - 2, ": ")) length -= 2;
  const char *given = shown(fields->arena, value);
  fail(fields->arena->trouble, "%.*s is %s, expected %s; %s", (int)length, place, given, wanted, fields->advice);
}

_Noreturn void field_wrong(const Fields *fields, const char *name, const char *problem, ...) {
  char told[256];
  va_list values;
  va_start(values, problem);
  vsnprintf(told, sizeof told, problem, values);
  va_end(values);
  fail(fields->arena->trouble, "%s %s; %s", at(fields, name), told, fields->advice);
}

static _Noreturn void out_of_range(const Fields *fields, const char *name, Json value, const char *what, double least, double most) {
  const char *given = shown(fields->arena, value);
  if (isinf(least) && isinf(most)) field_wrong(fields, name, "is %s, expected %s", given, what);
  if (isinf(most)) field_wrong(fields, name, "is %s, expected %s of at least %g", given, what, least);
  field_wrong(fields, name, "is %s, expected %s from %g to %g", given, what, least, most);
}

Fields fields_of(Arena *arena, Json value, const char *place, const char *advice) {
  Fields fields = {.arena = arena, .value = value, .place = place, .advice = advice};
  if (json_kind(value) != JSON_OBJECT) wrong_type(&fields, place, value, "an object");
  return fields;
}

/** The last field of that name. */
static bool find(const Fields *fields, const char *name, Json *value) {
  bool found = false;
  for (JsonEntry entry = json_entries(fields->value); json_next(&entry);)
    if (json_text_is(entry.name, name)) {
      *value = entry.value;
      found = true;
    }
  return found;
}

Json field_any(const Fields *fields, const char *name) {
  Json value = fields->value;
  if (!find(fields, name, &value)) field_wrong(fields, name, "is missing");
  return value;
}

bool field_has(const Fields *fields, const char *name) {
  Json value = fields->value;
  return find(fields, name, &value) && json_kind(value) != JSON_NULL;
}

Fields field_inside(const Fields *fields, const char *name) {
  return fields_of(fields->arena, field_any(fields, name), at(fields, name), fields->advice);
}

static Json list_at(const Fields *fields, Json value, const char *place) {
  if (json_kind(value) != JSON_LIST) wrong_type(fields, place, value, "a list");
  return value;
}

static Json list(const Fields *fields, const char *name) {
  return list_at(fields, field_any(fields, name), at(fields, name));
}

static int length_of(const Fields *fields, Json of) {
  int count = 0;
  for (JsonEntry entry = json_entries(of); json_next(&entry); count++)
    if (count == MOST) fail(fields->arena->trouble, "%s has too long a list", fields->place);
  return count;
}

static void check_length(const Fields *fields, const char *name, int count, int length, const char *what) {
  if (length >= 0 && count != length) field_wrong(fields, name, "has %d %s, expected %d", count, what, length);
}

int field_objects(const Fields *fields, const char *name, Fields **objects) {
  Json all = list(fields, name);
  int count = 0;
  *objects = TAKE(fields->arena, length_of(fields, all), Fields);
  for (JsonEntry entry = json_entries(all); json_next(&entry); count++)
    (*objects)[count] = fields_of(fields->arena, entry.value, take_text(fields->arena, "%s[%d]", at(fields, name), count), fields->advice);
  return count;
}

/** A text without zeros in it, NULL for anything else. */
static const char *text_of(Arena *arena, Json value) {
  if (json_kind(value) != JSON_TEXT) return NULL;
  for (const char *c = value.begin; c + 6 < value.end; c++) {
    if (*c == '\\' && !memcmp(c, "\\u0000", 6)) return NULL;
    if (*c == '\\') c++;
  }
  return json_text(arena, value);
}

const char *field_text(const Fields *fields, const char *name) {
  Json value = field_any(fields, name);
  const char *text = text_of(fields->arena, value);
  if (!text) wrong_type(fields, at(fields, name), value, "a text");
  if (!*text) field_wrong(fields, name, "is empty");
  return text;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int field_texts(const Fields *fields, const char *name, const char ***texts) {
  Json all = list(fields, name);
  int count = length_of(fields, all), number = 0;
  *texts = TAKE(fields->arena, count, const char *);
  for (JsonEntry entry = json_entries(all); json_next(&entry); number++) {
    const char *text = text_of(fields->arena, entry.value);
    if (!text || !*text)
      field_wrong(fields, take_text(fields->arena, "%s[%d]", name, number), "is %s, expected a text", shown(fields->arena, entry.value));
    (*texts)[number] = text;
  }
  if (!count) return 0;
  const char **sorted = take_longer(fields->arena, *texts, (size_t)count, (size_t)count, sizeof *sorted);
  qsort(sorted, (size_t)count, sizeof *sorted, by_text);
  for (int i = 1; i < count; i++)
    if (!strcmp(sorted[i - 1], sorted[i])) field_wrong(fields, name, "has a text twice");
  return count;
}

double field_number(const Fields *fields, const char *name, double least, double most) {
  Json value = field_any(fields, name);
  double number = json_kind(value) == JSON_NUMBER ? json_number(value) : (double)NAN;
  if (!(fabs(number) < 1e300 && least <= number && number <= most)) out_of_range(fields, name, value, "a number", least, most);
  return number;
}

/** Whether a value is a whole number in a range. */
static bool is_whole(Json value, int least, int most, int *number) {
  if (json_kind(value) != JSON_NUMBER || !json_is_whole(value)) return false;
  double found = 0;
  if (value.end - value.begin < 12) found = (double)strtol(value.begin, NULL, 10); /* what most are */
  else found = json_number(value);
  if (!(least <= found && found <= most)) return false;
  *number = (int)found;
  return true;
}

int field_whole(const Fields *fields, const char *name, int least, int most) {
  Json value = field_any(fields, name);
  int number = 0;
  if (!is_whole(value, least, most, &number)) out_of_range(fields, name, value, "a whole number", least, most);
  return number;
}

static Wholes wholes_in(const Fields *fields, Json all, const char *name, int least, int most) {
  Wholes found = {.count = length_of(fields, all)};
  found.values = TAKE(fields->arena, found.count, int);
  int number = 0;
  for (JsonEntry entry = json_entries(all); json_next(&entry); number++)
    if (!is_whole(entry.value, least, most, &found.values[number]))
      out_of_range(fields, take_text(fields->arena, "%s[%d]", name, number), entry.value, "a whole number", least, most);
  return found;
}

Wholes field_wholes(const Fields *fields, const char *name, int least, int most, int length) {
  Json all = list(fields, name);
  check_length(fields, name, length_of(fields, all), length, "numbers");
  return wholes_in(fields, all, name, least, most);
}

const float *field_floats(const Fields *fields, const char *name, double least, double most, int length) {
  Json all = list(fields, name);
  check_length(fields, name, length_of(fields, all), length, "numbers");
  float *found = TAKE(fields->arena, length, float);
  int at_number = 0;
  for (JsonEntry entry = json_entries(all); json_next(&entry); at_number++) {
    double number = json_kind(entry.value) == JSON_NUMBER ? json_number(entry.value) : (double)NAN;
    if (!(least <= number && number <= most))
      out_of_range(fields, take_text(fields->arena, "%s[%d]", name, at_number), entry.value, "a number", least, most);
    found[at_number] = (float)number;
  }
  return found;
}

static Ways ways_in(const Fields *fields, Json value, const char *name, int num_tokens) {
  Json all = list_at(fields, value, at(fields, name));
  int count = length_of(fields, all), number = 0;
  Tokens *found = TAKE(fields->arena, count, Tokens);
  for (JsonEntry entry = json_entries(all); json_next(&entry); number++) {
    const char *way = take_text(fields->arena, "%s[%d]", name, number);
    list_at(fields, entry.value, at(fields, way));
    Wholes tokens = wholes_in(fields, entry.value, way, 1, num_tokens - 1);
    if (!tokens.count) field_wrong(fields, way, "is empty");
    found[number] = (Tokens){.values = tokens.values, .count = tokens.count};
  }
  return (Ways){.values = found, .count = count};
}

Ways field_ways(const Fields *fields, const char *name, int num_tokens) {
  Ways found = ways_in(fields, field_any(fields, name), name, num_tokens);
  if (!found.count) field_wrong(fields, name, "are none");
  return found;
}

const Ways *field_all_ways(const Fields *fields, const char *name, int num_tokens, int length) {
  Json all = list(fields, name);
  check_length(fields, name, length_of(fields, all), length, "entries");
  Ways *found = TAKE(fields->arena, length, Ways);
  int number = 0;
  for (JsonEntry entry = json_entries(all); json_next(&entry); number++)
    found[number] = ways_in(fields, entry.value, take_text(fields->arena, "%s[%d]", name, number), num_tokens);
  return found;
}
