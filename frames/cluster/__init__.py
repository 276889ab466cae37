"""The cluster in use: where chunks lie and how tasks reach them."""
