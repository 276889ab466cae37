"""The name `h2o` for this package, and clear refusals of what lives elsewhere in h2o-py."""
