"""Services: the business, a room for each subject; what all rooms stand on lies in the hall.

In the hall: the ledger, the journal, refusals, settings, what is needed of the outside world.
"""
