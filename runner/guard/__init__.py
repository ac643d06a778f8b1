"""What must hold before a fault may happen, and the plan that shows it."""
