"""Metrics, an entry each: whatever `Metric` a module of this folder holds is found by the registry."""
