"""A hospital's own test of a model, its local calibration, monitoring, and the change from one model to another."""
