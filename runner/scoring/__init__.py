"""From a transcript to its scorecard."""
