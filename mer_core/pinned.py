"""The book's numerics by being imported, as the first import of a chapter or a script: see `mer_core.numerics`."""

from mer_core.numerics import pin

pin()
