"""The language server: `specc lsp` answers an editor with what the checker knows of a spec, as it is typed.

An edit changes a `Document`; a worker checks it (`session`) and leaves an `Analysis`, from which every answer is read.
A module holds one kind of answer: functions from an analysis and a place to what the protocol asks for. Only `server`
knows which request they belong to.
"""
