/** The acoustic model: a checked session of ONNX Runtime that turns audio into log-probabilities of tokens. */
#ifndef MODEL_H
#define MODEL_H

#include "grammar.h"

/** Fails unless a grammar was compiled for a model with the tokens, frames and state of this one. */
void model_check(const speech_model *model, const speech_grammar *grammar, const Trouble *trouble);

/** As `speech_model_run`; fails instead. */
void model_run(const speech_model *model, const Trouble *trouble, const float *audio, size_t samples, float *state, float *log_probs);

const ModelFacts *model_facts(const speech_model *model);

#endif
