"""Action units that a coder wrote down, as numbers."""

import pandas as pd

from mer_core.action_units import parse_action_units, resolve


def unit_matrix(cells: pd.Series) -> pd.DataFrame:  # (N, A) of 0 and 1
    """A row a clip, a column an action unit that any of the clips shows.

    >>> unit_matrix(pd.Series(["4+L12", "4"])).to_numpy().tolist()
    [[1, 1], [1, 0]]
    """
    if cells.isna().any():
        raise ValueError(
            f"Expected the action units of each clip, but {int(cells.isna().sum())} of {len(cells)} are unknown: "
            "leave those clips out, or choose a corpus whose labels have them."
        )
    shown = [{unit.number for unit in resolve(parse_action_units(cell))} for cell in cells]
    units = sorted(set().union(*shown))
    return pd.DataFrame([[int(unit in there) for unit in units] for there in shown], cells.index, units)
