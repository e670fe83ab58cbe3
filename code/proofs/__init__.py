"""The claims of the report, each with its check and its false twins: `python -m proofs`."""
