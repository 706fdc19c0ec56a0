"""Does it work here? Every part of an installation is asked, by reading alone, and says what to do next.

`make doctor` prints one line a check; `--json` the same for machines; `--probe` also tries what only a write
can tell, and takes away again what it wrote.
"""
