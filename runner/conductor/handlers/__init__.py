"""What a conductor does on each event."""
