"""What runs on a worker: shares trained, rows scored."""
