"""Files that a user writes → frozen, checked values; every problem with file, line and column, all at once."""
