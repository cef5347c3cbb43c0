"""The command line: one file per command, thin."""

from __future__ import annotations

import sys
from time import time_ns

from tailored.cli.ask import answered, is_question, start_checker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from click import Group


class _Main:
    """The commands of `commands.py`, which loads click: not needed where a checker that stays answers."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        asked = sys.argv[1:]
        if arguments or named.keys() - {"prog_name"} or not is_question(asked):
            return self._commands(*arguments, **named)
        began = time_ns()
        code, is_missing = answered(asked)
        if code is not None:
            sys.exit(code)
        from tailored.book.kept import Kept

        kept = Kept()
        try:
            return self._commands(**named, obj=kept)
        except SystemExit as end:
            if is_missing and end.code in (0, 1):
                start_checker(asked, began, kept)
            raise

    @property
    def _commands(self) -> Group:
        from tailored.cli.commands import commands

        return commands

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commands, name)


main = _Main()
"""The command `tailored`: to be called, or used as the group of click that it stands for."""
