"""The figures of merit of each task.

A file for each has `records`, what is kept of every image, as a row of numbers; `figures`, all that the task measures,
from the rows of all images; and `by_output`, the same for each class, tag or number. Rows of batches, one below the
other, are the rows of the whole set: no cut into batches changes a figure.
"""
