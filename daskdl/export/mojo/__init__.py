"""H2O's MOJO format: the way in from H2O, and a way out to its readers (docs/export.md)."""
