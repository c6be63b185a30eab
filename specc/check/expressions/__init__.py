"""The values of expressions: scopes, functions, and the evaluator."""
