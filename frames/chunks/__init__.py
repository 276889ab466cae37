"""Blocks of rows, compressed column by column, and what is known of their columns."""
