"""Models that leave: one traced program, written in other languages."""
