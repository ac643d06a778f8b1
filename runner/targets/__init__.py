"""What each kind of target is, one driver a kind; `registry.driver_of` gives it."""
