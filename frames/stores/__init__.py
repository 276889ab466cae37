"""Where files lie that many may write at once: folders of disks, and addresses of object stores. One kind per file."""
