"""Policy that wraps a store instead of becoming an argument of every method."""
