"""What the cells of a source mean: texts, numbers, times, categories."""
