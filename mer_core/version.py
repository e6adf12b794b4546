"""The one version of the package: runs record it, and CITATION.cff says it."""

__version__ = "0.2.0"
