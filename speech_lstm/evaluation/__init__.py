"""How good an exported model is, and the confidence fitted to it."""
