"""From parameters and frames to a model."""
