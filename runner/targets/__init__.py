"""What each kind of target is, one driver a kind."""
