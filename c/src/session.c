/**
 * The state machine of a voice assistant: idle, awake (waits for speech), listening (waits for its end), and back. The rules
 * are told in runtime/live/session.py.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_search.h"
#include "preroll.h"
#include "session.h"
#include "wake.h"
#include "writer.h"

typedef enum State { IDLE, AWAKE, LISTENING } State;

struct speech_session {
  Arena arena;
  const speech_grammar *grammar;
  speech_options options;
  State state;
  const Decoder *decoder;
  double end; /* of it: seconds of real audio, once known */
  bool has_wake, pressed, answered, searching;
  WakeSearch wake;
  Preroll recent;
  int64_t clock, frames; /* of the stream; the same, but for those to hear again */
  int64_t since;         /* frame at which the state began */
  int64_t release_at;    /* -1: not released */
  int64_t wake_end;      /* frame until which the last sound of the wake word went on */
  int64_t wake_limit;    /* frame until which it may, 0 when it is over */
  CommandSearch search;
  float *queue; /* frames to hear, [room * tokens] */
  int queued, room;
  float *frame; /* [tokens]: that is heard now */
  speech_on_event *on_event;
  void *user;
};

speech_options speech_default_options(void) {
  return (speech_options){
      .confirm_seconds = 0.16, .pause_seconds = 0.6, .leading_seconds = 5, .total_seconds = 10, .wake_tail_seconds = 0.32,
      .release_seconds = 0.3, .preroll_seconds = 0.4, .partial_seconds = 0.24, .speech_frames = 2, .alternatives = 2,
      .partials = true, .push_to_talk = false, .wake_words = true,
  };
}

/** Frames in that many seconds. */
static int frames_in(const speech_session *session, double seconds) {
  return (int)fmax(1, rint(seconds / session->grammar->model.frame_seconds));
}

static double time_of(const speech_session *session) {
  return interpreter_seconds(fmin((double)session->clock * session->grammar->model.frame_seconds, session->end));
}

static void tell(const speech_session *session, speech_event event) {
  event.time = time_of(session);
  if (session->on_event) session->on_event(session->user, &event);
}

/* ---- changes of state ---- */

/** Waits for speech; frames older than `ago` are not part of it. */
static void awake(speech_session *session, int ago) {
  preroll_keep(&session->recent, ago);
  session->state = AWAKE;
  session->since = session->frames;
  session->wake_limit = 0;
  session->release_at = -1;
  session->answered = false;
}

/** Waits for the next wake word, button or speech. */
static void idle(speech_session *session) {
  session->state = IDLE;
  session->since = session->frames;
  session->pressed = false;
  session->release_at = -1;
  preroll_keep(&session->recent, 0);
  if (session->has_wake) wake_restart(&session->wake);
}

/** After a decision: on with the button down, else idle. */
static void next_state(speech_session *session) {
  if (!session->pressed) {
    idle(session);
    return;
  }
  awake(session, 0);
  session->pressed = session->answered = true;
}

/** Searches from the frames before the first phone on. */
static void begin(speech_session *session) {
  const speech_options *options = &session->options;
  Preroll *recent = &session->recent;
  size_t tokens = (size_t)session->decoder->graph.tokens;
  if (session->searching) command_search_end(&session->search);
  session->searching = true;
  session->state = LISTENING;
  int frames = (int)rint((options->total_seconds + options->preroll_seconds) / session->grammar->model.frame_seconds) + 1;
  bool is_asked = session->has_wake || options->push_to_talk || session->pressed || session->release_at >= 0;
  double threshold = is_asked ? session->grammar->accept : session->grammar->open;
  command_search_begin(&session->search, session->arena.trouble, session->grammar, threshold, session->frames - recent->count, frames);
  for (int i = 0; i < recent->count; i++) command_search_follow(&session->search, recent->frames + (size_t)i * tokens);
  session->search.told_at = session->search.state.now.frames;
  preroll_keep(recent, 0);
  tell(session, (speech_event){.kind = SPEECH_STARTED});
}

/** Frames of the search from one on are heard again, before those that wait. */
static void hear_again(speech_session *session, int from) {
  size_t tokens = (size_t)session->decoder->graph.tokens;
  int count = session->search.num_heard - from;
  if (count <= 0) return;
  if (session->queued + count > session->room) fail(session->arena.trouble, "more frames than expected are heard again");
  memmove(session->queue + (size_t)count * tokens, session->queue, (size_t)session->queued * tokens * sizeof(float));
  memcpy(session->queue, session->search.heard + (size_t)from * tokens, (size_t)count * tokens * sizeof(float));
  session->queued += count;
  session->frames -= count;
}

/* ---- waiting ---- */

/** Follows what goes on without a break since the wake word. */
static void hear_wake_word(speech_session *session, bool phone, int64_t frame) {
  if (frame <= session->wake_limit && phone) session->wake_end = frame;
  else session->wake_limit = 0;
}

/** The wake word ended so many frames ago. */
static void woken(speech_session *session, const Detection *found, int ago) {
  awake(session, ago);
  session->wake_limit = session->frames + frames_in(session, session->options.wake_tail_seconds);
  const Preroll *recent = &session->recent;
  for (int i = 0; i < recent->count; i++) hear_wake_word(session, recent->phones[i], session->frames - recent->count + 1 + i);
  tell(session, (speech_event){.kind = SPEECH_WAKE_WORD, .text = session->grammar->wake.phrases[found->phrase].text, .confidence = exp(found->score)});
}

/** One frame while no command is listened to. */
static void wait(speech_session *session, const float *frame) {
  bool phone = decoder_hears_phone(session->decoder, frame), is_idle = session->state == IDLE;
  Detection found;
  preroll_append(&session->recent, frame, phone);
  if (session->has_wake && is_idle && wake_advance(&session->wake, frame, &found)) {
    woken(session, &found, session->wake.num_frames - 1 - found.last_frame);
    return;
  }
  hear_wake_word(session, phone, session->frames);
  bool command_only = !session->has_wake && !session->options.push_to_talk;
  if ((session->state == AWAKE || command_only) && preroll_phones(&session->recent, session->frames - session->wake_end) >= session->options.speech_frames) {
    begin(session);
    return;
  }
  if (session->state != AWAKE || session->pressed) return;
  bool waited = session->release_at < 0 ? session->frames - session->since >= frames_in(session, session->options.leading_seconds)
                                        : session->frames >= session->release_at;
  if (!waited) return;
  bool answered = session->answered;
  idle(session);
  if (!answered) tell(session, (speech_event){.kind = SPEECH_TIMEOUT, .text = "leading"});
}

/* ---- listening ---- */

/** Tells a decision and goes on; what followed the command is heard in the next state. */
static void decided(speech_session *session, const Decision *decision) {
  speech_event event = {.kind = decision->result.accepted ? SPEECH_COMMAND : SPEECH_REJECTED, .result = &decision->result};
  int from = decision->last_frame + 1;
  next_state(session);
  tell(session, event);
  if (decision->result.accepted) hear_again(session, from);
}

static Decision decide(speech_session *session) {
  return command_search_decide(&session->search, session->options.alternatives, time_of(session));
}

/** Decides if what was heard so far is accepted; returns whether. */
static bool command(speech_session *session) {
  if (!command_search_might_be_accepted(&session->search)) return false;
  Decision decision = decide(session);
  if (decision.result.accepted) decided(session, &decision);
  return decision.result.accepted;
}

/** No command in total_seconds. Where the next one may come at any time it may have begun already. */
static void give_up(speech_session *session) {
  bool again = (!session->has_wake && !session->options.push_to_talk) || session->pressed;
  int heard = session->search.state.now.frames;
  next_state(session);
  tell(session, (speech_event){.kind = SPEECH_TIMEOUT, .text = "total"});
  if (again) hear_again(session, heard - heard / 2);
}

/** Frames of silence or other speech after which what was heard is over, if it is a sentence. */
static int patience_of(const speech_session *session) {
  const speech_options *options = &session->options;
  return frames_in(session, decoding_can_continue(&session->search.state) ? options->pause_seconds : options->confirm_seconds);
}

/** Whether speech is over, see runtime/live/endpoint.py; *complete: whether a sentence may be tried. */
static bool is_over(const speech_session *session, bool *complete) {
  const Progress *now = &session->search.state.now;
  int confirm = frames_in(session, session->options.confirm_seconds), pause = frames_in(session, session->options.pause_seconds);
  int patience = patience_of(session);
  *complete = progress_is_final(now) && now->frames - 1 - now->final_frame >= patience;
  bool over = now->trailing_blanks >= (*complete ? patience : pause);
  *complete = *complete && command_search_untried(&session->search) >= confirm;
  return over;
}

/** One frame of a command. */
static void listen(speech_session *session, const float *frame) {
  const speech_options *options = &session->options;
  command_search_follow(&session->search, frame);
  if (!session->pressed) {
    bool released = session->release_at >= 0 && session->frames >= session->release_at, complete = false;
    if (is_over(session, &complete) || released) {
      Decision decision = decide(session);
      decided(session, &decision);
      return;
    }
    if (complete && command(session)) return;
  }
  if (session->frames - session->search.origin >= frames_in(session, options->total_seconds)) {
    if (!command(session)) give_up(session);
    return;
  }
  bool replayed = session->frames < session->clock;
  if (session->search.state.now.trailing_blanks || replayed || !options->partials) return;
  const char *words = command_search_new_words(&session->search, frames_in(session, options->partial_seconds));
  if (words && *words) tell(session, (speech_event){.kind = SPEECH_PARTIAL, .text = words});
}

/** All frames that wait. */
static void hear(speech_session *session) {
  size_t tokens = (size_t)session->decoder->graph.tokens;
  float *frame = session->frame;
  while (session->queued) {
    memcpy(frame, session->queue, tokens * sizeof *frame);
    session->queued--;
    memmove(session->queue, session->queue + tokens, (size_t)session->queued * tokens * sizeof *frame);
    session->frames++;
    if (session->frames > session->clock) session->clock = session->frames;
    if (session->state == LISTENING) listen(session, frame);
    else wait(session, frame);
  }
  if (session->state != LISTENING && session->searching) {
    command_search_end(&session->search);
    session->searching = false;
  }
}

/* ---- the interface ---- */

static void start(void *argument) {
  speech_session *session = argument;
  const speech_options *o = &session->options;
  const double seconds[] = {o->confirm_seconds, o->pause_seconds, o->leading_seconds, o->total_seconds, o->wake_tail_seconds,
                            o->release_seconds, o->preroll_seconds, o->partial_seconds};
  static const char *const names[] = {"confirm_seconds", "pause_seconds", "leading_seconds", "total_seconds", "wake_tail_seconds",
                                      "release_seconds", "preroll_seconds", "partial_seconds"};
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    if (!(seconds[i] > 0 && seconds[i] <= 3600)) fail(session->arena.trouble, "%s is %g, expected more than 0 and at most 3600", names[i], seconds[i]);
  if (o->speech_frames < 1) fail(session->arena.trouble, "speech_frames is %d, it must be above 0", o->speech_frames);
  if (o->alternatives < 0 || o->alternatives > 20) fail(session->arena.trouble, "alternatives is %d, expected 0 to 20", o->alternatives);
  const speech_grammar *grammar = session->grammar;
  size_t tokens = (size_t)grammar->model.num_tokens;
  session->decoder = &grammar->decoder;
  if (!strcmp(grammar->model.tokens[tokens - 1], "<unk>")) session->options.speech_frames = 1; /* tokens are words: one is heard in a frame */
  session->has_wake = o->wake_words && grammar->wake.num_phrases;
  session->end = HUGE_VAL;
  session->release_at = -1;
  preroll_begin(&session->recent, &session->arena, frames_in(session, o->preroll_seconds), tokens);
  session->room = frames_in(session, o->total_seconds) + session->recent.most + 8;
  session->queue = take(&session->arena, (size_t)session->room * tokens, sizeof(float));
  session->frame = TAKE(&session->arena, tokens, float);
  if (session->has_wake) wake_begin(&session->wake, &session->arena, grammar);
}

speech_session *speech_session_new(const speech_grammar *grammar, const speech_options *options, speech_error *error) {
  Trouble trouble = {.error = error};
  speech_session *session = calloc(1, sizeof *session);
  if (!session && error) snprintf(error->message, sizeof error->message, "out of memory");
  if (!session) return NULL;
  session->grammar = grammar;
  session->options = *options;
  session->arena.trouble = &trouble;
  bool done = attempt(&trouble, start, session);
  session->arena.trouble = NULL;
  if (done) return session;
  speech_session_free(session);
  return NULL;
}

void speech_session_free(speech_session *session) {
  if (!session) return;
  if (session->searching) command_search_end(&session->search);
  arena_free(&session->arena);
  free(session);
}

/** What a session hears. */
typedef struct Hearing {
  speech_session *session;
  const float *log_probs;
  size_t frames;
} Hearing;

static void advance(void *argument) {
  Hearing *hearing = argument;
  speech_session *session = hearing->session;
  size_t tokens = (size_t)session->decoder->graph.tokens;
  for (size_t i = 0; i < hearing->frames; i++) {
    memcpy(session->queue, hearing->log_probs + i * tokens, tokens * sizeof(float));
    session->queued = 1;
    hear(session);
  }
}

static void finish(void *argument) {
  Hearing *hearing = argument;
  speech_session *session = hearing->session;
  session->pressed = false;
  while (session->state == LISTENING) {
    Decision decision = decide(session);
    decided(session, &decision);
    hear(session);
  }
  idle(session);
}

/** Runs a function on a session with what it needs for the while. */
static bool use(speech_session *session, void (*function)(void *), Hearing *hearing, speech_on_event *on_event, void *user, speech_error *error) {
  Trouble trouble = {.error = error};
  session->on_event = on_event;
  session->user = user;
  session->arena.trouble = session->search.arena.trouble = session->search.scratch.trouble = &trouble;
  bool done = attempt(&trouble, function, hearing);
  session->arena.trouble = session->search.arena.trouble = session->search.scratch.trouble = NULL;
  return done;
}

bool speech_session_advance(speech_session *session, const float *log_probs, size_t frames, speech_on_event *on_event, void *user,
                            speech_error *error) {
  Hearing hearing = {.session = session, .log_probs = log_probs, .frames = frames};
  return use(session, advance, &hearing, on_event, user, error);
}

/** One where a command or a wake word may be over within a block, two where a command may be over, or begin, soon. */
static int fewest_blocks(const speech_session *session, size_t frames) {
  if (session->release_at >= 0) return 1;
  if (session->state != LISTENING) {
    if (!preroll_phones(&session->recent, session->recent.count)) return 4;
    if (session->state != IDLE || !session->has_wake) return 2;
    int blocks = wake_frames_left(&session->wake) / (int)frames;
    return blocks < 1 ? 1 : blocks > 4 ? 4 : blocks;
  }
  if (session->pressed) return 4;
  const Progress *now = &session->search.state.now;
  int over = now->trailing_blanks;
  if (progress_is_final(now) && now->frames - 1 - now->final_frame > over) over = now->frames - 1 - now->final_frame;
  int left = patience_of(session) - over;
  return (int)frames >= left ? 1 : 3 * (int)frames >= left ? 2 : 4;
}

int session_blocks(const speech_session *session, size_t frames, int *most) {
  int few = fewest_blocks(session, frames);
  bool is_silent = session->state == IDLE && session->release_at < 0 && !preroll_phones(&session->recent, session->recent.count);
  *most = is_silent ? MOST_BLOCKS : few;
  return few;
}

void speech_session_press(speech_session *session) {
  if (session->state == LISTENING) session->search.threshold = session->grammar->accept;
  else if (!session->pressed && session->release_at < 0) awake(session, 0);
  session->pressed = true;
  session->release_at = -1;
}

void session_release(speech_session *session, size_t waiting) {
  if (!session->pressed) return;
  session->pressed = false;
  session->release_at = session->frames + (int64_t)waiting + frames_in(session, session->options.release_seconds);
}

void speech_session_release(speech_session *session) { session_release(session, 0); }

void speech_session_end_at(speech_session *session, double seconds) { session->end = seconds; }

bool speech_session_finish(speech_session *session, speech_on_event *on_event, void *user, speech_error *error) {
  Hearing hearing = {.session = session};
  return use(session, finish, &hearing, on_event, user, error);
}

size_t speech_event_json(const speech_event *event, char *buffer, size_t size) {
  static const char *const names[] = {"WakeWord", "SpeechStarted", "Partial", "Command", "Rejected", "Timeout"};
  Writer writer = {.buffer = buffer, .size = size};
  write_raw(&writer, "{\"event\": ");
  write_text(&writer, names[event->kind]);
  write_raw(&writer, ", \"time\": ");
  write_seconds(&writer, event->time);
  if (event->text) {
    write_raw(&writer, event->kind == SPEECH_WAKE_WORD ? ", \"phrase\": " : event->kind == SPEECH_TIMEOUT ? ", \"reason\": " : ", \"text\": ");
    write_text(&writer, event->text);
  }
  if (event->kind == SPEECH_WAKE_WORD) {
    write_raw(&writer, ", \"confidence\": ");
    write_probability(&writer, event->confidence);
  }
  if (event->result) {
    write_raw(&writer, ", \"result\": ");
    write_result(&writer, event->result);
  }
  write_raw(&writer, "}");
  return write_end(&writer);
}
