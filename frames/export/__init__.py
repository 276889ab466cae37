"""Tables written to files, and shown as pandas and Dask."""
