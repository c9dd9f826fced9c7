"""What can be said of a folder from its verdicts and its features."""
