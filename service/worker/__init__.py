"""Background work: what there is to do (`duties`), and who says when (`polling`, `jobs`).

Rows are the truth: `due_rows` and `deliveries`. On SQLite one process polls them. On PostgreSQL any number of
processes look at them when a job of the queue says so, and a sweep finds what no job told of. Work that is
asked for twice, too early or too late comes to the same.
"""

from service.worker.duties import Duties
from service.worker.jobs import JobWorker
from service.worker.polling import PollingWorker
from service.worker.runner import Worker

__all__ = ["Duties", "JobWorker", "PollingWorker", "Worker"]
