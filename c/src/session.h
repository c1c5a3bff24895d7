/** What a stream asks of its session. */
#ifndef SPEECH_SESSION_H
#define SPEECH_SESSION_H

#include "speech_lstm.h"

/** Whether a command may be decided on within so many frames. */
bool session_is_urgent(const speech_session *session, size_t frames);

#endif
