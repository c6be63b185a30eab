"""Packed data: the images of a source in shards that stream from a disk or an object store, with an index."""
