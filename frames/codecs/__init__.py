"""Ways to hold one column of one chunk in few bytes: exactly, or not at all. One codec per file."""
