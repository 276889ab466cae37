"""The words in which a parameter is declared."""
