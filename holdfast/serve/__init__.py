"""Everything on one machine: what Azure's triggers do at scale, one process does here over the SQLite file.

``schedule.py`` looks for what is due, ``work.py`` works the queues off, ``webhook.py`` and ``page.py`` are its doors,
``serving.py`` puts them together and ends them in good order.
"""
