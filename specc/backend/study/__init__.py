"""Studies: the variants of a file, each trained with several seeds, side by side."""
