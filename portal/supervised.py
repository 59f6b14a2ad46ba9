"""A child of the supervisor: from its first moment on it ends with its parent, then it
runs the module that it is for.

Nothing heavy is imported before that: an import may take seconds, in which an orphan
would hold the port.
"""

from __future__ import annotations

import runpy
import sys

from portal import processes


def main() -> None:
    """The program: `python -m portal.supervised SIGNAL MODULE ARGUMENT…`."""
    number, module, *arguments = sys.argv[1:]
    processes.end_with_parent(int(number))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
