"""All that Numba compiles. Modules here import NumPy, Numba, the standard library and each other, nothing else."""
