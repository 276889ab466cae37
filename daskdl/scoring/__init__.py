"""Predictions and metric states of decoded rows."""
