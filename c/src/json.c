#include "json.h"

#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 200 };

typedef struct Parser {
  const char *at, *end;
  bool failed;
} Parser;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_spaces(Parser *p) {
  while (p->at < p->end && is_space(*p->at)) p->at++;
}

/** Goes over a character if it is next. */
static bool over(Parser *p, char c) {
  if (p->at >= p->end || *p->at != c) return false;
  p->at++;
  return true;
}

static void over_digits(Parser *p) {
  if (p->at >= p->end || !is_digit(*p->at)) p->failed = true;
  while (p->at < p->end && is_digit(*p->at)) p->at++;
}

static void over_number(Parser *p) {
  over(p, '-');
  if (!over(p, '0')) over_digits(p);
  if (over(p, '.')) over_digits(p);
  if (over(p, 'e') || over(p, 'E')) {
    if (!over(p, '+')) over(p, '-');
    over_digits(p);
  }
}

/** The four hexadecimal digits at a place, or -1. */
static int32_t hex4(const char *at, const char *end) {
  if (end - at < 4) return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    char c = at[i];
    int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** The code point of an escape whose backslash was read, or -1. */
static int32_t escape(const char **at, const char *end) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (*at >= end) return -1;
  char c = *(*at)++;
  if (c != 'u') {
    const char *found = c ? strchr(letters, c) : NULL;
    return found ? meant[found - letters] : -1;
  }
  int32_t first = hex4(*at, end);
  if (first < 0) return -1;
  *at += 4;
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return -1;
  int32_t second = hex4(*at + 2, end);
  if (second < 0xDC00 || second > 0xDFFF) return -1;
  *at += 6;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

/** Bytes of the UTF-8 character at a place, 0 where there is none. */
static int utf8_length(const char *text, const char *end) {
  const unsigned char *at = (const unsigned char *)text;
  size_t room = (size_t)(end - text);
  if (at[0] < 0x80) return 1;
  int length = at[0] >= 0xC2 && at[0] <= 0xDF ? 2 : (at[0] & 0xF0) == 0xE0 ? 3 : at[0] >= 0xF0 && at[0] <= 0xF4 ? 4 : 0;
  if (!length || room < (size_t)length) return 0;
  for (int i = 1; i < length; i++)
    if ((at[i] & 0xC0) != 0x80) return 0;
  if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F)) return 0;
  if ((at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F)) return 0;
  return length;
}

static void over_text(Parser *p) {
  if (!over(p, '"')) p->failed = true;
  while (!p->failed && p->at < p->end && *p->at != '"') {
    if (*p->at == '\\') {
      p->at++;
      p->failed = escape(&p->at, p->end) < 0;
    } else {
      int length = (unsigned char)*p->at < 0x20 ? 0 : utf8_length(p->at, p->end);
      p->failed = !length;
      p->at += length;
    }
  }
  if (!p->failed && !over(p, '"')) p->failed = true;
}

static void over_word(Parser *p, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length)) p->failed = true;
  else p->at += length;
}

static void over_value(Parser *p, int depth) {
  skip_spaces(p);
  if (p->at >= p->end || depth > DEEPEST) {
    p->failed = true;
    return;
  }
  char first = *p->at;
  if (first == '"') over_text(p);
  else if (first == 't') over_word(p, "true");
  else if (first == 'f') over_word(p, "false");
  else if (first == 'n') over_word(p, "null");
  else if (first == '-' || is_digit(first)) over_number(p);
  else if (first != '[' && first != '{') p->failed = true;
  else {
    char last = first == '[' ? ']' : '}';
    p->at++;
    skip_spaces(p);
    if (over(p, last)) return;
    while (!p->failed) {
      if (first == '{') {
        skip_spaces(p);
        over_text(p);
        skip_spaces(p);
        if (!p->failed && !over(p, ':')) p->failed = true;
      }
      if (!p->failed) over_value(p, depth + 1);
      skip_spaces(p);
      if (p->failed || over(p, last)) return;
      if (!over(p, ',')) p->failed = true;
    }
  }
}

Json json_document(const Trouble *trouble, const char *text, size_t length, const char *what) {
  Parser p = {.at = text, .end = text + length};
  skip_spaces(&p);
  const char *begin = p.at;
  over_value(&p, 0);
  const char *end = p.at;
  skip_spaces(&p);
  if (p.failed || p.at != p.end)
    fail(trouble, "%s: it is not JSON from byte %zu on", what, (size_t)(p.at - text));
  return (Json){begin, end};
}

JsonKind json_kind(Json value) {
  switch (*value.begin) {
    case 'n': return JSON_NULL;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case '"': return JSON_TEXT;
    case '[': return JSON_LIST;
    case '{': return JSON_OBJECT;
    default: return JSON_NUMBER;
  }
}

/* The document was checked: what follows needs no checks of its own. */

/** The end of a value. */
static const char *end_of(const char *at) {
  int depth = 0;
  bool in_text = false;
  do {
    char c = *at++;
    if (in_text) {
      if (c == '\\') at++;
      else if (c == '"') in_text = false;
    } else if (c == '"') in_text = true;
    else if (c == '[' || c == '{') depth++;
    else if (c == ']' || c == '}') depth--;
    else if (!depth) { /* a number or a word, which something follows */
      while (is_digit(*at) || (*at >= 'a' && *at <= 'z') || *at == '.' || *at == '-' || *at == '+' || *at == 'E') at++;
      return at;
    }
  } while (depth || in_text);
  return at;
}

static const char *past_spaces(const char *at) {
  while (is_space(*at)) at++;
  return at;
}

JsonEntry json_entries(Json value) {
  return (JsonEntry){.name = {NULL, NULL}, .value = value, .next = value.begin + 1};
}

bool json_next(JsonEntry *entry) {
  const char *at = past_spaces(entry->next);
  if (*at == ']' || *at == '}') return false;
  if (*at == ',') at = past_spaces(at + 1);
  entry->name = (Json){NULL, NULL};
  if (*at == '"') { /* a text alone, or a name */
    const char *end = end_of(at), *colon = past_spaces(end);
    if (*colon == ':') {
      entry->name = (Json){at, end};
      at = past_spaces(colon + 1);
    }
  }
  entry->value = (Json){at, end_of(at)};
  entry->next = entry->value.end;
  return true;
}

bool json_is_whole(Json number) {
  for (const char *at = number.begin; at < number.end; at++)
    if (*at == '.' || *at == 'e' || *at == 'E') return false;
  return true;
}

double json_number(Json number) {
  char digits[400];
  size_t length = (size_t)(number.end - number.begin);
  if (length >= sizeof digits) return HUGE_VAL;
  memcpy(digits, number.begin, length);
  digits[length] = 0;
  char *point = strchr(digits, '.');
  if (point) *point = *localeconv()->decimal_point; /* strtod reads what the program's locale writes */
  return strtod(digits, NULL);
}

/** A code point as UTF-8; returns its length. */
static int put_utf8(char *at, int32_t code) {
  if (code < 0x80) {
    at[0] = (char)code;
    return 1;
  }
  int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; i--, code >>= 6) at[i] = (char)(0x80 | (code & 0x3F));
  at[0] = (char)((0xF00 >> length & 0xF0) | code);
  return length;
}

/** Into a buffer as long as the text in the document; returns the length. */
static size_t decode(Json text, char *out) {
  char *to = out;
  for (const char *at = text.begin + 1; at < text.end - 1;) {
    if (*at != '\\') {
      *to++ = *at++;
      continue;
    }
    at++;
    to += put_utf8(to, escape(&at, text.end));
  }
  return (size_t)(to - out);
}

char *json_text(Arena *arena, Json text) {
  char *out = TAKE(arena, text.end - text.begin, char);
  out[decode(text, out)] = 0;
  return out;
}

bool json_text_is(Json text, const char *other) {
  char decoded[256];
  size_t length = strlen(other);
  if ((size_t)(text.end - text.begin) > sizeof decoded) return false;
  return decode(text, decoded) == length && !memcmp(decoded, other, length);
}

char *json_compact(Arena *arena, Json value) {
  char *out = TAKE(arena, value.end - value.begin + 1, char), *to = out;
  bool in_text = false;
  for (const char *at = value.begin; at < value.end; at++) {
    if (!in_text && is_space(*at)) continue;
    *to++ = *at;
    if (in_text && *at == '\\') *to++ = *++at;
    else if (*at == '"') in_text = !in_text;
  }
  *to = 0;
  return out;
}
