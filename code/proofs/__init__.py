"""Claims: statements that are printed, decided and attacked from one and the same tree."""
