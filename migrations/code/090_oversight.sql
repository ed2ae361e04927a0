-- Oversight: what the platform's job monitor reads of the queue. It changes jobs as the system does.
GRANT SELECT ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers,
    procrastinate_workers TO kaquan_platform;
