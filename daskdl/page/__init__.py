"""The page of training jobs on the Dask dashboard: runs on the scheduler, which needs neither kernels nor frames."""
