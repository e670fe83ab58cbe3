"""Tables, matrices and sentences that depend on the case, for the chunks of the documents."""
