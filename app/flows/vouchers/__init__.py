"""Paper over several transactions: tasks of a million, print files, sales, redemptions."""
