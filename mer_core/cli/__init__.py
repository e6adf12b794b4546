"""The `mer` command; its parts are in the order in which `mer --help` lists them."""

import sys

from mer_core import numerics
from mer_core.cli.app import DEBUG, app

from mer_core.cli import book, corpora, runs, ledger  # isort: skip  # each adds its commands
from mer_core.door import pass_through

__all__ = ["app", "book", "corpora", "ledger", "main", "runs"]


def main() -> None:
    """Run the command; whatever goes wrong ends with one line and an exit code, not with a stack."""

    def command() -> None:
        numerics.pin()
        app([word for word in sys.argv[1:] if word != DEBUG], prog_name="mer")  # it may stand anywhere

    pass_through("mer", command, debug=DEBUG in sys.argv)
