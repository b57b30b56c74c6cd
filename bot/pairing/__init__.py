"""Who is introduced to whom: the rules (pure), and the free buddies kept in memory."""
