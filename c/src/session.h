/** What a stream asks of its session. */
#ifndef SPEECH_SESSION_H
#define SPEECH_SESSION_H

#include "speech_lstm.h"

/**
 * How many blocks of so many frames may be heard at once: one where a command may be decided on within a block, two where
 * that, or a wake word, may come soon, four in silence and in the middle of a command.
 */
int session_blocks(const speech_session *session, size_t frames);

/** `speech_session_release` where so many frames of what was said before are still to come. */
void session_release(speech_session *session, size_t waiting);

#endif
