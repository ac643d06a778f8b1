"""From checked files to the plan of a run, its hash, and the calls it will make."""
