/** What a stream asks of its session. */
#ifndef SPEECH_SESSION_H
#define SPEECH_SESSION_H

#include "speech_lstm.h"

#define MOST_BLOCKS 8

/**
 * How many blocks of so many frames may be heard at once as soon as there is a sound in them, and at `most`, up to
 * `MOST_BLOCKS`, without one (runtime/live/session.py).
 */
int session_blocks(const speech_session *session, size_t frames, int *most);

/** `speech_session_release` where so many frames of what was said before are still to come. */
void session_release(speech_session *session, size_t waiting);

#endif
