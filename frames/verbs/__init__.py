"""What can be done with a table, one noun per module."""
