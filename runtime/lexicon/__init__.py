"""Words as people say them: spoken words of a text, their phones, the tokens of the models."""
