"""The rollout: which adapter serves a call, and whether a candidate may go on. Knows no adapter but by name."""
