"""The claims of the supplement."""
