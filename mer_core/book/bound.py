"""What is zero but for rounding, said so that it holds on every processor."""


def bound(value: float, limit: float) -> str:
    """`less than 1e-12` for what is; else the value, and that it is not.

    >>> bound(3e-15, 1e-12)
    'less than 1e-12'
    >>> bound(0.25, 1e-5)
    '0.25, not less than 1e-5'
    """
    said = f"less than {limit:.0e}".replace("e-0", "e-")
    return said if abs(value) < limit else f"{value:.2g}, not {said}"
