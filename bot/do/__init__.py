"""What each `do` of the vocabulary does, one file per subject."""
