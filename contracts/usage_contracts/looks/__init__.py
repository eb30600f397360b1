"""What one answer of each vendor must hold by itself, and the figures in it that can be compared."""
