"""Tables, matrices and sentences: what a chunk of a document calls to write."""
