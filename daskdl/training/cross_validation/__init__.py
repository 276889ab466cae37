"""A model per fold, and what they say together."""
