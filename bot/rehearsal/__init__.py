"""A campaign in virtual time: people, platforms and a disk as they are, good days and bad, around the real bot."""
