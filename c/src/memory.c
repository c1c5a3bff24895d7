#include "memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
enum { BLOCK_BYTES = 0 }; /* each piece by itself, so that its bounds are watched */
#else
enum { BLOCK_BYTES = 1 << 14 };
#endif

struct Block {
  Block *older;
  size_t used, size;
  max_align_t bytes[];
};

bool attempt(Trouble *trouble, void (*function)(void *), void *argument) {
  if (setjmp(trouble->back)) return false;
  function(argument);
  return true;
}

_Noreturn void fail(const Trouble *trouble, const char *format, ...) {
  if (trouble->error) {
    va_list values;
    va_start(values, format);
    vsnprintf(trouble->error->message, sizeof trouble->error->message, format, values);
    va_end(values);
  }
  longjmp(*(jmp_buf *)&trouble->back, 1);
}

void *take(Arena *arena, size_t count, size_t size) {
  enum { UNIT = sizeof(max_align_t) };
  if (size && count > (SIZE_MAX / 4) / size) fail(arena->trouble, "out of memory");
  size_t bytes = (count * size + UNIT - 1) / UNIT * UNIT;
  Block *block = arena->newest;
  if (!block || block->size - block->used < bytes) {
    size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    block = malloc(sizeof(Block) + room);
    if (!block) fail(arena->trouble, "out of memory");
    *block = (Block){.older = arena->newest, .used = 0, .size = room};
    arena->newest = block;
  }
  char *taken = (char *)block->bytes + block->used;
  block->used += bytes;
  memset(taken, 0, bytes);
  return taken;
}

void *take_longer(Arena *arena, const void *old, size_t old_count, size_t count, size_t size) {
  void *longer = take(arena, count, size);
  if (old_count) memcpy(longer, old, old_count * size);
  return longer;
}

char *take_text(Arena *arena, const char *format, ...) {
  va_list values;
  va_start(values, format);
  int length = vsnprintf(NULL, 0, format, values);
  va_end(values);
  char *text = take(arena, (size_t)length + 1, 1);
  va_start(values, format);
  vsnprintf(text, (size_t)length + 1, format, values);
  va_end(values);
  return text;
}

Mark arena_mark(const Arena *arena) {
  return (Mark){.block = arena->newest, .used = arena->newest ? arena->newest->used : 0};
}

void arena_release(Arena *arena, Mark mark) {
  while (arena->newest != mark.block) {
    Block *block = arena->newest;
    arena->newest = block->older;
    free(block);
  }
  if (mark.block) mark.block->used = mark.used;
}

void arena_free(Arena *arena) {
  arena_release(arena, (Mark){.block = NULL, .used = 0});
}
