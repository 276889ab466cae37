"""Text read and written: dates, zones, expressions, tables for a terminal."""
