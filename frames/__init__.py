"""A distributed, compressed table with the methods of H2O's frame: Dask futures of chunks behind one face."""
