"""From columns to the network's input, and back."""
