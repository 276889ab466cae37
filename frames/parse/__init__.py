"""Files read into tables."""
