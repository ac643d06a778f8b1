"""What follows by itself, and when."""
