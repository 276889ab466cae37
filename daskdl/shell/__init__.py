"""The coordinator's instructions carried out with Dask."""
