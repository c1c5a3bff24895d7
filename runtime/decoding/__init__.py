"""Log-probabilities to hypotheses: the search graph, the search, the n best, their confidence."""
