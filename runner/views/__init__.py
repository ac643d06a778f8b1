"""What people see. Every view is a fold over a transcript; none of them knows more than it says."""
