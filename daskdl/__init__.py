"""daskdl."""
