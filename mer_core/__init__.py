"""The package behind the book: clips, faces, methods, training, evaluation, figures."""

from mer_core import numerics

numerics.pin()  # before torch is imported anywhere: it reads its kernels' limits once
