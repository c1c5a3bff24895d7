/** Memory that is freed together, and the way back when something is wrong. */
#ifndef MEMORY_H
#define MEMORY_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

#include "speech_lstm.h"

/** Where a function of the API goes on when something below it fails, see `attempt`. */
typedef struct Trouble {
  jmp_buf back;
  speech_error *error; /* may be NULL */
} Trouble;

/** Runs a function that may fail; returns whether it did not. */
bool attempt(Trouble *trouble, void (*function)(void *), void *argument);

/** Writes the error and goes back to `attempt`. */
_Noreturn void fail(const Trouble *trouble, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef struct Block Block;

/** Begin with `{.trouble = ...}`; all that is taken is freed by `arena_free`. */
typedef struct Arena {
  const Trouble *trouble;
  Block *newest;
} Arena;

/** A place in an arena to go back to. */
typedef struct Mark {
  Block *block;
  size_t used;
} Mark;

/** Zeros; fails where there is no memory. */
void *take(Arena *arena, size_t count, size_t size);
#define TAKE(arena, count, type) ((type *)take((arena), (size_t)(count), sizeof(type)))

/** A larger array with the same beginning. */
void *take_longer(Arena *arena, const void *old, size_t old_count, size_t count, size_t size);

/** A text as by printf. */
char *take_text(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

Mark arena_mark(const Arena *arena);
void arena_release(Arena *arena, Mark mark);
void arena_free(Arena *arena);

#endif
