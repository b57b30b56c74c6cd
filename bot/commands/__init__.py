"""What each command reads from its line and prints; the work is done in modules of their own."""
