"""The Python API: what `import specc` offers. Names are looked up when they are used, so that it starts at once.

`spec` is the front end and imports no torch; `training` and `run` are the back end.
"""
