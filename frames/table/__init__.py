"""The table: names, places and rows, and how it is made from what is in this process."""
