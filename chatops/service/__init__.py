"""What carries events in and effects out: inbox, unit of work, outbox, timers, and the store beneath them."""
