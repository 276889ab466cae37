"""Trained models: what they hold, how they are applied, written and read."""
