"""A hospital's own test of a model, its fit to its own children, the watch over it, and the way from one model to the next."""
