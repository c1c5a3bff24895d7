#include "writer.h"

#include <stdio.h>
#include <string.h>

static void put(Writer *writer, char c) {
  if (writer->length + 1 < writer->size) writer->buffer[writer->length] = c;
  writer->length++;
}

void write_raw(Writer *writer, const char *text) {
  while (*text) put(writer, *text++);
}

void write_text(Writer *writer, const char *text) {
  if (!text) {
    write_raw(writer, "null");
    return;
  }
  put(writer, '"');
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20) {
      char escaped[8];
      snprintf(escaped, sizeof escaped, "\\u%04x", c);
      write_raw(writer, escaped);
      continue;
    }
    if (c == '"' || c == '\\') put(writer, '\\');
    put(writer, *text);
  }
  put(writer, '"');
}

/** With so many digits, zeros at the end but one left out. */
static void write_number(Writer *writer, double number, int digits) {
  char text[64];
  snprintf(text, sizeof text, "%.*f", digits, number);
  char *point = strchr(text, ',');
  if (point) *point = '.'; /* where the program's locale writes it so */
  for (size_t end = strlen(text); end > 2 && text[end - 1] == '0' && text[end - 2] != '.'; end--) text[end - 1] = 0;
  write_raw(writer, text);
}

void write_seconds(Writer *writer, double seconds) { write_number(writer, seconds, 4); }

void write_probability(Writer *writer, double probability) { write_number(writer, probability, 9); }

static void write_times(Writer *writer, double start, double end, double confidence) {
  write_raw(writer, ", \"start\": ");
  write_seconds(writer, start);
  write_raw(writer, ", \"end\": ");
  write_seconds(writer, end);
  write_raw(writer, ", \"confidence\": ");
  write_probability(writer, confidence);
  put(writer, '}');
}

/** `"intent": ..., "slot_details": [...]` */
static void write_meaning(Writer *writer, const char *intent, const speech_slot *slots, size_t count) {
  write_raw(writer, "\"intent\": ");
  write_text(writer, intent);
  write_raw(writer, ", \"slot_details\": [");
  for (size_t i = 0; i < count; i++) {
    write_raw(writer, i ? ", {\"name\": " : "{\"name\": ");
    write_text(writer, slots[i].name);
    write_raw(writer, ", \"value\": ");
    write_raw(writer, slots[i].value);
    write_raw(writer, ", \"text\": ");
    write_text(writer, slots[i].text);
    write_times(writer, slots[i].start, slots[i].end, slots[i].confidence);
  }
  put(writer, ']');
}

/** `"slots": {...}`: the last one said where a name comes twice. */
static void write_slots(Writer *writer, const speech_slot *slots, size_t count) {
  bool any = false;
  write_raw(writer, "\"slots\": {");
  for (size_t i = 0; i < count; i++) {
    bool is_first = true;
    size_t last = i;
    for (size_t other = 0; other < count; other++) {
      if (strcmp(slots[other].name, slots[i].name)) continue;
      is_first = is_first && other >= i;
      last = other;
    }
    if (!is_first) continue;
    if (any) write_raw(writer, ", ");
    any = true;
    write_text(writer, slots[i].name);
    write_raw(writer, ": ");
    write_raw(writer, slots[last].value);
  }
  put(writer, '}');
}

static void write_text_and_confidence(Writer *writer, const char *text, double confidence) {
  write_raw(writer, "{\"text\": ");
  write_text(writer, text);
  write_raw(writer, ", \"confidence\": ");
  write_probability(writer, confidence);
  write_raw(writer, ", ");
}

void write_result(Writer *writer, const speech_result *result) {
  write_text_and_confidence(writer, result->text, result->confidence);
  write_raw(writer, result->accepted ? "\"accepted\": true, " : "\"accepted\": false, ");
  write_meaning(writer, result->intent, result->slots, result->num_slots);
  write_raw(writer, ", \"words\": [");
  for (size_t i = 0; i < result->num_words; i++) {
    const speech_word *word = &result->words[i];
    write_raw(writer, i ? ", {\"text\": " : "{\"text\": ");
    write_text(writer, word->text);
    write_times(writer, word->start, word->end, word->confidence);
  }
  write_raw(writer, "], \"alternatives\": [");
  for (size_t i = 0; i < result->num_alternatives; i++) {
    const speech_alternative *other = &result->alternatives[i];
    if (i) write_raw(writer, ", ");
    write_text_and_confidence(writer, other->text, other->confidence);
    write_meaning(writer, other->intent, other->slots, other->num_slots);
    write_raw(writer, ", ");
    write_slots(writer, other->slots, other->num_slots);
    put(writer, '}');
  }
  write_raw(writer, "], \"start\": ");
  write_seconds(writer, result->start);
  write_raw(writer, ", \"end\": ");
  write_seconds(writer, result->end);
  write_raw(writer, ", ");
  write_slots(writer, result->slots, result->num_slots);
  put(writer, '}');
}

size_t write_end(Writer *writer) {
  if (writer->size) writer->buffer[writer->length < writer->size ? writer->length : writer->size - 1] = 0;
  return writer->length;
}

size_t speech_result_json(const speech_result *result, char *buffer, size_t size) {
  Writer writer = {.buffer = buffer, .size = size};
  write_result(&writer, result);
  return write_end(&writer);
}
