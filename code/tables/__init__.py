"""Tables, matrices and sentences that depend on the case: what a chunk of the documents calls to write."""
