"""Arguments of calls: who gets which value, and whether it is of the right kind."""
